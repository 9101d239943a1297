import { checkHeaders } from './header-rules.ts';

it.each([
  ['nothing', {}],
  ['what gateways want', { Authorization: 'Basic dXNlcjpwYXNz', 'X-Api-Key': 'a+b/c=', cookie: 'a=b; c=d', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }],
  ['an empty value', { 'x-a': '' }],
  ['spaces and a tab inside', { 'x-a': 'b c\td' }],
  ['every character a name may have', { "!#$%&'*+.^_`|~0aZ-": 'b' }],
  ['a value of 4,000 characters', { 'x-token': 'x'.repeat(4_000) }],
])('takes %s', (_, headers) => expect(checkHeaders(headers)).toEqual([]));

it.each([
  'Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'Expect', 'Proxy-Connection', 'Proxy-Authorization', 'HTTP2-Settings',
  'Content-Type', 'Content-Encoding', 'Accept-Encoding', 'User-Agent', 'webhook-id', 'Webhook-Signature', 'WEBHOOK-TIMESTAMP', 'webhook-anything',
])('keeps %s to ourselves', (name) => expect(checkHeaders({ [name]: 'x' })).toEqual([`${name}: is set by us`]));

it.each([
  ['a line end', 'a\r\nb'],
  ['a newline', 'a\nb'],
  ['a carriage return', 'a\rb'],
  ['a zero', 'a\0b'],
  ['a delete', 'a\x7fb'],
  ['Latin-1', 'caf\xe9'],
  ['a line separator', 'a\u2028b'],
  ['a space in front', ' a'],
  ['a tab behind', 'a\t'],
  ['a number', 7],
  ['nothing', null],
  ['a list', ['a', 'b']],
])('refuses a value with or of %s, without showing it', (_, value) => {
  expect(checkHeaders({ 'x-a': value })).toEqual(['x-a: wanted a value of visible ASCII characters, in one line']);
});

it.each(['', 'x a', 'x:a', 'x\r\na', 'é', '(x)', 'x'.repeat(129)])('refuses the name %j', (name) => {
  expect(checkHeaders({ [name]: 'x' })).toEqual([`${JSON.stringify(name)}: wanted a name of letters, digits and -, at most 128`]);
});

it('tells all faults at once', () => {
  expect(checkHeaders({ Host: 'a', 'x-b': 'c\nd', 'X-Two': '1', 'x-two': '2' })).toEqual([
    'Host: is set by us',
    'x-b: wanted a value of visible ASCII characters, in one line',
    'x-two: given twice',
  ]);
});

it('bounds how many there are and how large they are together', () => {
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`x-${at}`, 'y']));
  expect(checkHeaders(many)).toEqual(['33 headers: wanted at most 32']);
  expect(checkHeaders({ 'x-a': 'y'.repeat(2_500), 'x-b': 'z'.repeat(2_500) })).toEqual(['5006 bytes of headers: wanted at most 4096']);
});
