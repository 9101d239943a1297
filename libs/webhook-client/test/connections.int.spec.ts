import type { Socket } from 'node:net';
import { eventually, startReceiver, type Receiver } from '@spillway/testing';
import type { WebhookClient } from '../src/index.ts';
import { newClient, post } from './post.ts';

let receiver: Receiver;
let client: WebhookClient;
beforeEach(async () => {
  receiver = await startReceiver();
  client = newClient();
});
afterEach(async () => {
  await client.close();
  await receiver.stop();
});

const many = (count: number, one: () => Promise<unknown>): Promise<unknown[]> => Promise.all(Array.from({ length: count }, one));

it('one after the other, attempts share a connection', async () => {
  for (let attempt = 1; attempt <= 50; attempt += 1) await post(client, receiver.url);
  expect([receiver.requests.length, receiver.connections]).toEqual([50, 1]);
  expect(client.counts).toEqual({ inFlight: 0, origins: 1, open: 1, idle: 1, waiting: 0 });
  const next = post(client, receiver.url);
  expect(client.counts).toEqual({ inFlight: 1, origins: 1, open: 1, idle: 0, waiting: 0 });
  await next;
});

it('side by side, each has its own, and no more are opened when one follows another at once', async () => {
  const lane = async (): Promise<void> => {
    for (let attempt = 1; attempt <= 50; attempt += 1) await post(client, receiver.url);
  };
  await many(8, lane);
  expect(receiver.requests).toHaveLength(400);
  expect(receiver.connections).toBe(8);
});

it('an answer that closes its connection is followed by another connection', async () => {
  receiver.handler = () => ({ headers: { connection: 'close' } });
  for (let attempt = 1; attempt <= 5; attempt += 1) expect((await post(client, receiver.url)).outcome.kind).toBe('delivered');
  expect(receiver.connections).toBe(5);
  expect(client.counts).toEqual({ inFlight: 0, origins: 0, open: 0, idle: 0, waiting: 0 });
});

it('a receiver that closes its idle connections costs no attempt', async () => {
  const open: Socket[] = [];
  receiver.handler = (_, response, { socket }) => {
    response.once('finish', () => open.push(socket));
    return 200;
  };
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    expect((await post(client, receiver.url)).outcome.kind).toBe('delivered');
    await eventually(() => open.pop()!.end());
    await eventually(() => expect(client.counts).toMatchObject({ origins: 0, open: 0 }));
  }
  expect(receiver.connections).toBe(5);
});

it('over the limit of an origin attempts wait for a connection, and on their own deadline', async () => {
  await client.close();
  client = newClient({ connectionsPerOrigin: 2 });
  const answered: number[] = [];
  const posts = Array.from({ length: 10 }, (_, at) => post(client, `${receiver.url}/${at}`).then(() => answered.push(at)));
  expect(client.counts).toMatchObject({ inFlight: 10, open: 2, waiting: 8 });
  await Promise.all(posts);
  expect(answered).toHaveLength(10);
  expect(receiver.connections).toBe(2);

  receiver.handler = () => {};
  const [first, second, third] = [post(client, receiver.url), post(client, receiver.url), post(client, receiver.url, { timeoutMs: 200 })];
  expect((await third).outcome).toEqual({ kind: 'failed', reason: 'timeout', detail: '200 ms were over while waiting for a free connection of ours' });
  expect(client.counts.waiting).toBe(0);
  receiver.handler = () => 200;
  const fourth = post(client, receiver.url);
  await receiver.stop(); // both hanging ones break off, and the one that waits is handed the next connection
  expect((await Promise.all([first, second])).map(({ outcome }) => outcome.kind)).toEqual(['failed', 'failed']);
  expect((await fourth).outcome).toMatchObject({ kind: 'failed' });
  expect(client.counts).toEqual({ inFlight: 0, origins: 0, open: 0, idle: 0, waiting: 0 });
});

it('attempts that wait for a connection have it in the order in which they came', async () => {
  await client.close();
  client = newClient({ connectionsPerOrigin: 1 }); // over two, the receiver may read the second first
  await Promise.all(Array.from({ length: 10 }, (_, at) => post(client, `${receiver.url}/${at}`)));
  expect(receiver.requests.map(({ url }) => url)).toEqual(Array.from({ length: 10 }, (_, at) => `/${at}`));
  expect(receiver.connections).toBe(1);
});

it('idle connections are bounded, the longest idle goes first', async () => {
  await client.close();
  client = newClient({ maxIdleConnections: 3 });
  await many(8, () => post(client, receiver.url));
  expect(client.counts).toMatchObject({ inFlight: 0, open: 3, idle: 3 });
});

it('origins are bounded: those not in use lose their idle connections', async () => {
  await client.close();
  client = newClient({ maxOrigins: 2 });
  const others = await Promise.all(Array.from({ length: 4 }, () => startReceiver()));
  for (const { url } of others) await post(client, url);
  expect(client.counts).toMatchObject({ origins: 2, open: 2, idle: 2 });
  await post(client, others[3]!.url);
  expect(others[3]!.connections).toBe(1); // the one used last was kept
  await post(client, others[0]!.url);
  expect(others[0]!.connections).toBe(2); // the one used first was not
  await Promise.all(others.map((other) => other.stop()));
});

it('ends when asked to: takes nothing new, lets what is in flight end, closes what is idle', async () => {
  const answer = Promise.withResolvers<number>();
  receiver.handler = () => answer.promise;
  const inFlight = post(client, receiver.url);
  await eventually(() => expect(receiver.inFlight).toBe(1));
  const closed = client.close();
  await expect(post(client, receiver.url)).rejects.toMatchObject({ code: 'SPILLWAY_CLIENT_CLOSED' });
  answer.resolve(200);
  expect((await inFlight).outcome.kind).toBe('delivered');
  await closed;
  await client.close();
  expect(client.counts).toEqual({ inFlight: 0, origins: 0, open: 0, idle: 0, waiting: 0 });
});
