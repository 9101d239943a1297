/**
 * What must not be called, as data. None of it may ever be dialled: the spec that reads this listens to the socket layer.
 * `strict` is the rule of a deployment that allows nothing beyond public https.
 */

const literals = (addresses: readonly string[]): string[] => addresses.map((address) => `https://${address.includes(':') ? `[${address}]` : address}/hook`);

/** The spellings of 127.0.0.1 and others that a URL parser folds into one, and filters that look at the text do not. */
export const spelledAddresses = [
  'https://127.1/hook',
  'https://127.0.1/hook',
  'https://2130706433/hook',
  'https://0x7f000001/hook',
  'https://0x7F.0x0.0x0.0x1/hook',
  'https://0177.0.0.1/hook',
  'https://017700000001/hook',
  'https://0x7f.1/hook',
  'https://127.0.0.1./hook',
  'https://%31%32%37.0.0.1/hook',
  'https://①②⑦.⓪.⓪.①/hook',
  'https://127。0。0。1/hook',
  'https://127．0．0．1/hook',
  'https://１２７.0.0.1/hook',
  'https://0xa9fea9fe/hook',
  'https://2852039166/hook',
  'https://0251.0376.0251.0376/hook',
  'https://169.254.43518/hook',
  'https://0xa83f8110/hook',
  'https://0/hook',
  'https://[0:0:0:0:0:0:0:1]/hook',
  'https://[0000:0000:0000:0000:0000:ffff:7f00:0001]/hook',
  'https://[::FFFF:127.0.0.1]/hook',
];

export const forbiddenAddresses = [
  '0.0.0.0', '0.1.2.3', '10.0.0.0', '10.0.0.1', '10.255.255.255', '100.64.0.0', '100.100.100.200', '100.127.255.255',
  '127.0.0.1', '127.0.0.53', '127.255.255.254', '168.63.129.16', '169.254.0.1', '169.254.169.254', '169.254.170.2', '172.16.0.0', '172.31.255.255',
  '192.0.0.1', '192.0.0.8', '192.0.0.170', '192.0.0.192', '192.0.2.1', '192.88.99.1', '192.168.0.0', '192.168.255.255',
  '198.18.0.0', '198.19.255.255', '198.51.100.7', '203.0.113.7', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255',
  '::', '::1', '::2', '::127.0.0.1', '::a9fe:a9fe', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::ffff:8.8.8.8', '::ffff:0:7f00:1', '::5efe:7f00:1',
  '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::808:808', '64:ff9b:1::a00:1', '100::1', '100:0:0:1::1',
  '1fff:ffff::1', '2001::1', '2001:0:7f00:1::', '2001:0:53aa:64c:0:7f:80ff:fffe', '2001:2::1', '2001:10::1', '2001:20::1', '2001:1ff:ffff::1', '2001:db8::1',
  '2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:c0a8:101::1', '2002:808:808::1', '3fff::1', '3fff:fff::1', '4000::1', '5f00::1',
  'e000::1', 'fc00::1', 'fd00:ec2::254', 'fdff:ffff::1', 'fe80::1', 'fe80::5efe:c0a8:1', 'febf::1', 'fec0::1', 'ff02::1', 'ff0e::1',
];

export const forbiddenPorts = [
  0, 1, 21, 22, 23, 25, 53, 79, 81, 110, 143, 389, 442, 444, 445, 465, 587, 993, 1023, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566,
  6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
].map((port) => `https://hooks.example.com:${port}/hook`);

export const forbiddenForms = [
  'http://hooks.example.com/hook',
  'http://93.184.215.14/hook',
  'ftp://hooks.example.com/hook',
  'file:///etc/passwd',
  'gopher://hooks.example.com/_hook',
  'ws://hooks.example.com/hook',
  'wss://hooks.example.com/hook',
  'data:text/plain,hook',
  'javascript:hook()',
  'unix:/var/run/docker.sock',
  'hooks.example.com/hook',
  '//hooks.example.com/hook',
  'https://',
  'https://.',
  '',
  'https://user@hooks.example.com/hook',
  'https://user:password@hooks.example.com/hook',
  'https://:password@hooks.example.com/hook',
  'https://hooks.example.com@127.0.0.1/hook',
  'https://127.0.0.1@hooks.example.com/hook',
  'https://hooks.example.com:443@127.0.0.1:80/hook',
  'https://127.0.0.1#@hooks.example.com/hook',
  'https://127.0.0.1?@hooks.example.com/hook',
  'https://127.0.0.1\\@hooks.example.com/hook',
  'https://hooks.example.com:99999/hook',
  'https://hooks.exa\nmple.com/hook',
  'https://hooks.example.com/ho\tok',
  ' https://hooks.example.com/hook',
  'https://hooks.example.com/a b',
  'https://[::1/hook',
  'https://[fe80::1%25eth0]/hook',
  `https://hooks.example.com/${'x'.repeat(2_048)}`,
  `https://${'a.'.repeat(126)}example.com/hook`,
];

export const localNames = [
  'localhost', 'LOCALHOST', 'localhost.', 'api.localhost', 'loc%61lhost', 'ⓛocalhost', 'intranet', 'redis', 'metadata', 'a', 'com.', 'printer.local',
  'metadata.google.internal', 'kubernetes.default.svc.cluster.local', 'box.lan', 'nas.home', 'router.home.arpa', 'home.arpa', 'db.corp', 'vault.private', 'wiki.intranet', 'host.localdomain',
].map((name) => `https://${name}/hook`);

export const refusedAtCreation = [...spelledAddresses, ...literals(forbiddenAddresses), ...forbiddenPorts, ...forbiddenForms, ...localNames];

/** A public name, and what its name server says: refused at the attempt, whatever else it says beside. */
export const forbiddenAnswers: readonly (readonly string[])[] = [
  ...forbiddenAddresses.map((address) => [address]),
  ['93.184.215.14', '10.0.0.1'],
  ['10.0.0.1', '93.184.215.14'],
  ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::1'],
  ['93.184.215.14', '2002:7f00:1::'],
  ['93.184.215.14', '::ffff:127.0.0.1'],
  [...Array.from({ length: 40 }, (_, at) => `93.184.215.${at}`), '192.168.1.1'],
  ['fe80::1%lo'],
  ['127.1'],
  ['0x7f.0.0.1'],
  ['2130706433'],
  ['localhost'],
  ['not an address'],
  [''],
  ['93.184.215.14', ''],
];

/** The edges of what is forbidden, from outside, and some that everybody knows: may be called. They are judged here and never dialled. */
export const publicAddresses = [
  '1.0.0.0', '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '93.184.215.14', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0',
  '168.63.129.15', '168.63.129.17', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '191.255.255.255', '192.0.1.0', '192.0.1.255', '192.0.3.0',
  '192.31.196.1', '192.52.193.1', '192.88.98.255', '192.88.100.0', '192.167.255.255', '192.169.0.0', '192.175.48.1', '198.17.255.255', '198.20.0.0', '198.51.99.255', '198.51.101.0',
  '203.0.112.255', '203.0.114.0', '223.255.255.255',
  '2000::1', '2001:200::1', '2001:4860:4860::8888', '2001:db7:ffff::1', '2001:db9::1', '2003::1', '2400:cb00::1', '2606:4700:4700::1111', '2620:4f:8000::1', '2620:fe::fe',
  '2a00:1450:4001:81b::200e', '2c0f:f248::1', '3ffe:ffff::1', '3fff:1000::1',
];

export const allowedUrls = [
  ...literals(publicAddresses),
  'https://hooks.example.com/hook',
  'https://HOOKS.example.com./hook',
  'https://hooks.example.com:443/',
  'https://hooks.example.com:80/',
  'https://hooks.example.com:1024/',
  'https://hooks.example.com:8443/a/b?c=d&e=%20f#g',
  'https://hooks.example.com:65535/',
  'https://hooks.example.com\\@127.0.0.1/hook',
  'https://hooks.example.com/@127.0.0.1/hook',
  'https://hooks.example.com/?next=http://169.254.169.254/',
  'https://localhost.example.com/hook',
  'https://local.example/hook',
  'https://internal.example.com/hook',
  'https://127.0.0.1.example.com/hook',
  'https://bücher.example/hook',
  'https://a_b.example.com/hook',
  'https://xn--bcher-kva.example/hook',
  'https://0x7f.example/hook',
];
