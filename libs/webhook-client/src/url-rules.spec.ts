import { allowedUrls, forbiddenAddresses, forbiddenAnswers, publicAddresses, refusedAtCreation } from '../test/ssrf-vectors.ts';
import { isPublicAddress } from './public-address.ts';
import { judgeUrl, loopbackOf, refusedAddress, urlRules, type UrlRules } from './url-rules.ts';
import type { Target } from './target.ts';

const strict = urlRules({ allowNetworks: [], allowHttp: false });
const trial = urlRules({ allowNetworks: ['127.0.0.0/8', '::1'], allowHttp: false });
const onPremises = urlRules({ allowNetworks: ['10.0.0.0/8', 'fd00::/8'], allowHttp: false });

const reasonOf = (url: string, rules: UrlRules, internal = false): string | undefined => {
  const judged = judgeUrl(url, rules, internal);
  return 'refused' in judged ? judged.refused : undefined;
};
const targetOf = (url: string, rules: UrlRules = strict): Target => {
  const judged = judgeUrl(url, rules);
  if ('refused' in judged) throw new Error(judged.refused);
  return judged.ok;
};

it('has at least 120 vectors, none of them twice', () => {
  const all = [...refusedAtCreation, ...forbiddenAnswers.map((answers) => `answers: ${answers.join()}`)];
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(120);
});

describe('where nothing is allowed beyond public https', () => {
  it.each(refusedAtCreation)('refuses %j', (url) => expect(reasonOf(url, strict)).toMatch(/./));
  it.each(allowedUrls)('takes %j', (url) => expect(reasonOf(url, strict)).toBeUndefined());

  it.each(publicAddresses)('lets a name lead to %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
    expect(refusedAddress(address, targetOf('https://hooks.example.com/'), strict)).toBeUndefined();
  });

  it('lets no name lead to any other address, and does not say to which', () => {
    const target = targetOf('https://hooks.example.com/');
    for (const address of forbiddenAddresses) {
      expect([address, isPublicAddress(address)]).toEqual([address, false]);
      expect(refusedAddress(address, target, strict)).toBe('"hooks.example.com" leads to an address that is not public');
    }
  });

  it('says what is wrong and what is wanted', () => {
    expect(reasonOf('ftp://example.com/', strict)).toBe('scheme ftp: wanted https');
    expect(reasonOf('http://example.com/', strict)).toBe('http is not allowed: wanted https');
    expect(reasonOf('https://example.com:22/', strict)).toBe('port 22 is not allowed: wanted 80, 443 or one above 1023 that is HTTP’s');
    expect(reasonOf('https://redis/', strict)).toBe('"redis" is a local name: wanted a public one');
    expect(reasonOf('https://u:p@example.com/', strict)).toBe('user and password in a URL are not allowed: wanted a header');
    expect(reasonOf('example.com', strict)).toBe('not a URL: wanted https://host/path');
    expect(reasonOf('https://10.0.0.1/', strict)).toBe('the address is not a public one');
    expect(reasonOf(`https://example.com/${'x'.repeat(3_000)}`, strict)).toBe('URL of 3020 characters: wanted at most 2048');
  });
});

describe('where loopback is allowed, for trials', () => {
  it.each(['http://127.0.0.1:3000/hook', 'http://127.1:22/', 'https://[::1]/', 'http://localhost:3000/hook', 'http://api.localhost:25/'])('takes %s', (url) => {
    expect(reasonOf(url, trial)).toBeUndefined();
  });

  it.each(['http://hooks.example.com/', 'https://hooks.example.com:22/', 'https://redis/', 'http://10.0.0.1/', 'http://169.254.169.254/', 'http://0.0.0.0/', 'https://printer.local/'])(
    'refuses %s as before',
    (url) => expect(reasonOf(url, trial)).toMatch(/./),
  );

  it('knows localhost without asking anybody, as far as it is allowed', () => {
    expect(loopbackOf(trial)).toEqual(['127.0.0.1', '::1']);
    expect(loopbackOf(urlRules({ allowNetworks: ['127.0.0.1'], allowHttp: false }))).toEqual(['127.0.0.1']);
    expect(loopbackOf(onPremises)).toEqual([]);
    expect(reasonOf('http://localhost/', onPremises)).toBe('"localhost" is a local name: wanted a public one');
  });
});

describe('where networks of the operator’s are allowed', () => {
  it.each(['http://10.1.2.3:22/hook', 'http://[fd00::7]/hook', 'https://10.0.0.1/'])('takes %s, with http and any port', (url) => expect(reasonOf(url, onPremises)).toBeUndefined());

  it('leaves names to the attempt, when their addresses are known', () => {
    for (const url of ['http://partner.example.com/hook', 'https://partner.example.com:22/', 'https://redis/', 'https://billing.corp/']) {
      const target = targetOf(url, onPremises);
      expect(refusedAddress('10.1.2.3', target, onPremises)).toBeUndefined();
      expect(refusedAddress('93.184.215.14', target, onPremises)).toMatch(/wanted/);
      expect(refusedAddress('192.168.0.1', target, onPremises)).toMatch(/leads to an address that is not public/);
    }
    expect(refusedAddress('93.184.215.14', targetOf('https://partner.example.com/', onPremises), onPremises)).toBeUndefined();
  });
});

it('takes http to public addresses where that is allowed, and only there', () => {
  const plain = urlRules({ allowNetworks: [], allowHttp: true });
  expect(reasonOf('http://hooks.example.com/', plain)).toBeUndefined();
  expect(reasonOf('http://127.0.0.1/', plain)).toMatch(/./);
  expect(reasonOf('http://hooks.example.com:22/', plain)).toMatch(/port 22/);
});

it('exempts an endpoint of our own from all but the form', () => {
  expect(reasonOf('http://127.0.0.1:8083/canary', strict, true)).toBeUndefined();
  expect(reasonOf('http://watchdog:22/canary', strict, true)).toBeUndefined();
  expect(reasonOf('ftp://watchdog/canary', strict, true)).toMatch(/scheme ftp/);
  expect(reasonOf('http://u:p@watchdog/canary', strict, true)).toMatch(/user and password/);
});

it('reads a URL once: host, port, path', () => {
  expect(targetOf('https://HOOKS.Example.com.:8443/a/b?c=d#e')).toEqual({
    secure: true,
    host: 'hooks.example.com',
    port: 8_443,
    literal: false,
    origin: 'https://hooks.example.com.:8443',
    path: '/a/b?c=d',
    internal: false,
  });
  expect(targetOf('https://[2606:4700:4700::1111]')).toMatchObject({ host: '2606:4700:4700::1111', port: 443, literal: true, path: '/' });
});

it.each(['10.0.0.0/33', '10.0.0/8', 'fd00::/129', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/8/8', 'localhost', '', 'fe80::1%eth0'])('refuses to allow the network %j', (network) => {
  expect(() => urlRules({ allowNetworks: ['10.0.0.0/8', network], allowHttp: false })).toThrow(`network "${network}": wanted an address or a CIDR block`);
});
