import { newSecret, parseSecret } from './secret.ts';

const base64 = (bytes: number, fill = 7): string => Buffer.alloc(bytes, fill).toString('base64');

it('makes secrets of 32 random bytes that it can read again', () => {
  const [one, other] = [newSecret(), newSecret()];
  expect(one).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(parseSecret(one)).toHaveLength(32);
  expect(other).not.toBe(one);
});

it.each([24, 32, 64])('takes a secret of %i bytes that a customer brings', (bytes) => {
  expect(parseSecret(`whsec_${base64(bytes)}`)).toEqual(Buffer.alloc(bytes, 7));
});

it.each([
  ['no prefix', base64(24), 'without whsec_'],
  ['a prefix of another kind', `whsk_${base64(24)}`, 'without whsec_'],
  ['a prefix in capitals', `WHSEC_${base64(24)}`, 'without whsec_'],
  ['nothing after the prefix', 'whsec_', 'of 0 bytes'],
  ['too short a key', `whsec_${base64(23)}`, 'of 23 bytes'],
  ['too long a key', `whsec_${base64(65)}`, 'of 65 bytes'],
  ['missing padding', `whsec_${base64(32).replace('=', '')}`, 'not base64'],
  ['base64url', `whsec_${Buffer.alloc(24, 0xff).toString('base64url')}`, 'not base64'],
  ['a space at the end', `whsec_${base64(24)} `, 'not base64'],
  ['a newline inside', `whsec_${base64(24).replace('H', '\n')}`, 'not base64'],
  ['bits that the padding cuts off', `whsec_${base64(25).replace(/.==$/, 'x==')}`, 'not base64'],
])('refuses %s, and says what is wanted', (_, text, says) => {
  const refusal = () => parseSecret(text);
  expect(refusal).toThrow(RangeError);
  expect(refusal).toThrow(says);
  expect(refusal).toThrow('wanted whsec_ and the base64 of 24 to 64 bytes');
});

it('never shows the secret that it refuses', () => {
  const almost = newSecret().slice(0, -1);
  expect(() => parseSecret(almost)).not.toThrow(almost.slice(6, 20));
  expect(() => parseSecret(almost.slice(6))).not.toThrow(almost.slice(6, 20));
});
