import { connect, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { startReceiver, type Receiver } from '@spillway/testing';
import { Dial } from '../src/dial.ts';
import { DialFailed } from '../src/dial-failures.ts';
import { judgeUrl, SystemLookup, urlRules } from '../src/index.ts';
import { recordDials, type Dials } from './dials.ts';
import { newClient, post } from './post.ts';
import { startRawReceiver } from './raw-receiver.ts';
import { forbiddenAnswers, refusedAtCreation } from './ssrf-vectors.ts';

let dials: Dials;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());
beforeEach(() => {
  dials = recordDials();
  receiver.requests.length = 0;
});
afterEach(() => dials.stop());

/** Answers in turn, the last one again and again; counts the questions. */
const answersInTurn = (...turns: readonly (readonly string[])[]) => {
  const asked: string[] = [];
  const lookup = (hostname: string): Promise<readonly string[]> => {
    asked.push(hostname);
    return Promise.resolve(turns[Math.min(asked.length, turns.length) - 1]!);
  };
  return { asked, lookup };
};

it('would see a dial: the recorder is not blind', async () => {
  const client = newClient();
  await post(client, receiver.url);
  await client.close();
  expect(dials.made).toEqual([`127.0.0.1:${receiver.port}`]);
});

it('dials none of the URLs that are refused at creation, should one have got in', async () => {
  const client = newClient({ allowNetworks: [] });
  for (const url of refusedAtCreation) {
    expect([url, (await post(client, url)).outcome]).toEqual([url, { kind: 'failed', reason: 'ssrf_blocked', detail: expect.any(String) as string }]);
  }
  await client.close();
  expect(dials.made).toEqual([]);
  expect(dials.sockets).toEqual([]);
});

it('dials none of the addresses that a name must not lead to, nor those beside them, and tells none', async () => {
  for (const answers of forbiddenAnswers) {
    const client = newClient({ allowNetworks: [], lookup: () => Promise.resolve(answers) });
    const { outcome } = await post(client, 'https://hooks.example.com/hook');
    expect([answers, outcome]).toEqual([answers, { kind: 'failed', reason: 'ssrf_blocked', detail: '"hooks.example.com" leads to an address that is not public' }]);
    await client.close();
  }
  expect(dials.made).toEqual([]);
});

describe('a name that changes its mind', () => {
  it('is asked once for each connection: what was judged is what is dialled', async () => {
    const { asked, lookup } = answersInTurn(['127.0.0.1'], ['10.0.0.1']);
    const client = newClient({ allowNetworks: ['127.0.0.1'], lookup });
    const url = `http://rebind.example.com:${receiver.port}/hook`;
    // an allowed network that is loopback only leaves http to names refused at creation; this one got in before
    const open = newClient({ allowNetworks: ['127.0.0.1', '192.0.2.0/24'], lookup });
    expect((await post(client, url)).outcome).toMatchObject({ reason: 'ssrf_blocked' });
    expect((await post(open, url)).outcome).toEqual({ kind: 'delivered', status: 200 });
    expect(asked).toEqual(['rebind.example.com']);
    await Promise.all([client.close(), open.close()]);
    expect(dials.made).toEqual([`127.0.0.1:${receiver.port}`]);
  });

  it('is judged again with every connection', async () => {
    const { asked, lookup } = answersInTurn(['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1', '10.0.0.1']);
    const client = newClient({ allowNetworks: ['127.0.0.1', '192.0.2.0/24'], lookup });
    const url = `http://rebind.example.com:${receiver.port}/hook`;
    receiver.handler = () => ({ headers: { connection: 'close' } });
    const reasons: unknown[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const { outcome } = await post(client, url);
      reasons.push(outcome.kind === 'failed' ? outcome.reason : outcome.kind);
    }
    await client.close();
    expect(reasons).toEqual(['delivered', 'ssrf_blocked', 'ssrf_blocked']);
    expect(asked).toHaveLength(3);
    expect(dials.made).toEqual([`127.0.0.1:${receiver.port}`]);
  });

  it('dials several judged addresses, and no resolver but ours chooses among them', async () => {
    receiver.handler = () => 200;
    const { asked, lookup } = answersInTurn(['127.0.0.9', '::1', '127.0.0.1']);
    const client = newClient({ allowNetworks: ['127.0.0.0/8', '::1', '192.0.2.0/24'], lookup });
    expect((await post(client, `http://many.example.com:${receiver.port}/hook`)).outcome).toEqual({ kind: 'delivered', status: 200 });
    await client.close();
    expect(asked).toHaveLength(1);
    expect(dials.made.at(-1)).toBe(`127.0.0.1:${receiver.port}`);
  });
});

it.each(['http://169.254.169.254/latest/meta-data/', 'http://127.0.0.2/', '//10.0.0.1/', 'https://hooks.example.com/', '/elsewhere'])('does not follow a redirect to %s', async (location) => {
  const client = newClient();
  for (const status of [301, 302, 303, 307, 308]) {
    receiver.handler = () => ({ status, headers: { location } });
    expect((await post(client, `${receiver.url}/hook`)).outcome).toMatchObject({ kind: 'failed', reason: 'redirect_not_followed', status });
  }
  await client.close();
  expect(receiver.requests.map(({ url }) => url)).toEqual(Array.from({ length: 5 }, () => '/hook'));
  expect(dials.made).toEqual([`127.0.0.1:${receiver.port}`]);
});

it('a connection opened under an exemption is not used by anybody without', async () => {
  receiver.handler = () => 200;
  const client = newClient({ allowNetworks: [], allowHttp: true, lookup: () => Promise.resolve(['127.0.0.1']) });
  const url = `http://canary.example.com:${receiver.port}/`;
  expect((await post(client, url, { internal: true })).outcome.kind).toBe('delivered');
  expect((await post(client, url)).outcome).toMatchObject({ reason: 'ssrf_blocked' });
  expect((await post(client, url, { internal: true })).outcome.kind).toBe('delivered');
  await client.close();
  expect(dials.made).toHaveLength(1);
});

type Connect = (port: number) => Socket;

/** A network that brings us elsewhere than we dialled: only the socket can tell. */
const diverted: Connect = (port) => connect(port, '127.0.0.1');
/** A connection that the other side has reset before we looked: the system knows no peer any more. */
const goneAlready: Connect = (port) => Object.defineProperty(connect(port, '127.0.0.1'), 'remoteAddress', { value: undefined });

const dial = async (allowNetworks: readonly string[], by: Connect): Promise<{ error: Error | null; heard: string[] }> => {
  const raw = await startRawReceiver(() => {});
  const rules = urlRules({ allowNetworks, allowHttp: false });
  const judged = judgeUrl(`http://127.0.0.2:${raw.port}/`, rules);
  if ('refused' in judged) throw new Error(judged.refused);
  const dialling = { rules, lookup: new SystemLookup().lookup, secureContext: createSecureContext(), connect: () => by(raw.port) };
  const [error, socket] = await new Promise<[Error | null, Socket | null]>((resolve) => {
    new Dial(judged.ok, dialling, (...dialled) => resolve(dialled)).start();
  });
  socket?.destroy();
  await raw.stop();
  return { error, heard: raw.requests };
};

it('a connection that ends elsewhere than it was dialled is given up before the first byte', async () => {
  expect(await dial(['127.0.0.1', '127.0.0.2'], diverted)).toEqual({ error: null, heard: [] });
  const { error, heard } = await dial(['127.0.0.2'], diverted);
  expect(error).toBeInstanceOf(DialFailed);
  expect(error).toMatchObject({ reason: 'ssrf_blocked', detail: 'the address is not a public one' });
  expect(heard).toEqual([]);
});

it('a connection whose other end is not known any more is given up too, but it is not blocked for ever', async () => {
  const { error, heard } = await dial(['127.0.0.2'], goneAlready);
  expect(error).toMatchObject({ reason: 'reset' });
  expect(heard).toEqual([]);
});

it('localhost is loopback, whatever a name server says', async () => {
  receiver.handler = () => 200;
  const client = newClient({ lookup: () => Promise.resolve(['10.0.0.1']) });
  expect((await post(client, `http://localhost:${receiver.port}/`)).outcome.kind).toBe('delivered');
  expect((await post(client, `http://api.localhost:${receiver.port}/`)).outcome.kind).toBe('delivered');
  await client.close();
  expect(new Set(dials.made)).toEqual(new Set([`127.0.0.1:${receiver.port}`]));
});
