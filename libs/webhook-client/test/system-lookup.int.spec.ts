import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressesInHostsFile } from '../src/hosts-file.ts';
import { SystemLookup, type Lookup } from '../src/index.ts';
import { startNameServer } from './name-server.ts';
import { newClient, post } from './post.ts';

const deafNames = Array.from({ length: 100 }, (_, at) => `deaf-${at}.example.com`);

let server: Awaited<ReturnType<typeof startNameServer>>;
beforeAll(async () => {
  server = await startNameServer({
    'both.example.com': { A: ['93.184.215.14', '93.184.215.15'], AAAA: ['2606:2800:21f::1'] },
    'four.example.com': { A: ['93.184.215.14'] },
    'six.example.com': { AAAA: ['2606:2800:21f::1'] },
    'empty.example.com': {},
    'broken.example.com': { A: 'failure', AAAA: 'failure' },
    'half-deaf.example.com': { A: ['93.184.215.14'], AAAA: 'silence' },
    'half-broken.example.com': { A: ['93.184.215.14'], AAAA: 'failure' },
    ...Object.fromEntries(deafNames.map((name) => [name, { A: 'silence', AAAA: 'silence' }])),
    'inside.example.com': { A: ['10.0.0.1'] },
  });
});
afterAll(() => server.stop());

let names: SystemLookup;
let lookup: Lookup;
beforeEach(() => {
  server.questions.length = 0;
  names = new SystemLookup([server.address]);
  ({ lookup } = names);
});
afterEach(() => names.close());

it.each([
  ['both.example.com', ['93.184.215.14', '93.184.215.15', '2606:2800:21f::1']],
  ['four.example.com', ['93.184.215.14']],
  ['six.example.com', ['2606:2800:21f::1']],
  ['empty.example.com', []],
  ['unknown.example.com', []],
  ['half-broken.example.com', ['93.184.215.14']],
])('%s has the addresses %j', async (name, addresses) => expect([...(await lookup(name))].toSorted()).toEqual(addresses.toSorted()));

it('does not wait for the IPv6 addresses of a name server that drops the question', async () => {
  expect(await lookup('half-deaf.example.com')).toEqual(['93.184.215.14']);
  // had it waited, the question would have been repeated after 2 s
  expect(server.questions.filter((question) => question.includes('half-deaf')).toSorted()).toEqual(['A half-deaf.example.com', 'AAAA half-deaf.example.com']);
});

it('shares one question among all who ask it at the same time, and asks again afterwards', async () => {
  await Promise.all(Array.from({ length: 50 }, () => lookup('four.example.com')));
  expect(server.questions.toSorted()).toEqual(['A four.example.com', 'AAAA four.example.com']);
  await lookup('four.example.com');
  expect(server.questions).toHaveLength(4);
});

it.each([
  ['unknown.example.com', 'the name has no address'],
  ['broken.example.com', 'its name servers failed'],
])('an attempt to %s fails: %s', async (name, detail) => {
  const client = newClient({ allowNetworks: [], lookup });
  expect((await post(client, `https://${name}/`)).outcome).toEqual({ kind: 'failed', reason: 'dns_error', detail });
  await client.close();
});

it('says nothing of where a name leads inside', async () => {
  const client = newClient({ allowNetworks: [], lookup });
  const attempted = await post(client, 'https://inside.example.com/');
  expect(attempted.outcome).toMatchObject({ reason: 'ssrf_blocked' });
  expect(JSON.stringify(attempted)).not.toContain('10.0.0.1');
  await client.close();
});

it('a hundred names whose servers are deaf do not hold up another name', async () => {
  const client = newClient({ allowNetworks: [], lookup });
  let ended = 0;
  const deaf = deafNames.map(async (name) => {
    const { outcome } = await post(client, `https://${name}/`, { timeoutMs: 1_000 }); // well before c-ares gives up by itself: 4 to 6 s, at random
    ended += 1;
    return outcome;
  });
  expect((await post(client, 'https://unknown.example.com/')).outcome).toMatchObject({ reason: 'dns_error' });
  expect(ended).toBe(0);
  for (const outcome of await Promise.all(deaf)) expect(outcome).toEqual({ kind: 'failed', reason: 'timeout', detail: '1000 ms were over while resolving the name' });
  await client.close();
});

it('name servers that are not there fail the attempt, and others are asked when the machine has others', async () => {
  const away = await startNameServer({});
  await away.stop();
  const ofTheMachine = [away.address];
  const others = new SystemLookup(ofTheMachine);
  const client = newClient({ allowNetworks: [], lookup: others.lookup });
  expect((await post(client, 'https://four.example.com/')).outcome).toEqual({ kind: 'failed', reason: 'dns_error', detail: 'our name server is not there' });
  ofTheMachine[0] = server.address;
  expect(await others.lookup('four.example.com')).toEqual(['93.184.215.14']);
  await client.close();
});

describe('the hosts file of the machine', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hosts-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gives the addresses of a name, of all its lines, without remarks', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n# 10.0.0.9 partner.example.com\n10.0.0.1\tPartner.example.com partner # the first\n\n10.0.0.2 other partner.example.com\n');
    expect(await addressesInHostsFile('partner.example.com', path)).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(await addressesInHostsFile('first', path)).toEqual([]);
    expect(await addressesInHostsFile('example.com', path)).toEqual([]);
  });

  it('may be missing, but not unreadable', async () => {
    expect(await addressesInHostsFile('partner.example.com', join(folder, 'none'))).toEqual([]);
    await expect(addressesInHostsFile('partner.example.com', folder)).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('is asked first', async () => {
    expect(await lookup('localhost')).toContain('127.0.0.1');
    expect(server.questions).toEqual([]);
  });
});
