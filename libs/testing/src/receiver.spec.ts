import { connect } from 'node:net';
import { eventually } from './eventually.ts';
import { startReceiver } from './receiver.ts';

const post = (url: string, body: string) => fetch(url, { method: 'POST', body, headers: { 'X-Twice': 'a' } });

it('answers 200 and remembers what came', async () => {
  const receiver = await startReceiver();
  const answer = await post(`${receiver.url}/hook?a=1`, 'hello');
  expect(answer.status).toBe(200);
  expect(receiver.requests).toMatchObject([{ method: 'POST', url: '/hook?a=1', headers: { 'x-twice': 'a' }, body: Buffer.from('hello') }]);
  expect(receiver.requests[0]!.rawHeaders).toContain('X-Twice');
  expect(Math.abs(Date.now() - receiver.requests[0]!.at)).toBeLessThan(10_000);
  await receiver.stop();
});

it('answers what the handler gives, and the handler can change while it runs', async () => {
  const receiver = await startReceiver(() => 503);
  expect((await post(receiver.url, '')).status).toBe(503);
  receiver.handler = () => ({ status: 201, headers: { 'retry-after': '7' }, body: 'made' });
  const answer = await post(receiver.url, '');
  expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([201, '7', 'made']);
  await receiver.stop();
});

it('counts what it holds at once, and stops although nothing was answered', async () => {
  const receiver = await startReceiver({ handler: () => undefined });
  const hung = [1, 2, 3].map(() => post(receiver.url, '').then(() => 'answered', () => 'cut off'));
  await eventually(() => expect([receiver.inFlight, receiver.mostInFlight, receiver.requests.length]).toEqual([3, 3, 3]));
  await receiver.stop();
  expect(await Promise.all(hung)).toEqual(['cut off', 'cut off', 'cut off']);
  await eventually(() => expect([receiver.inFlight, receiver.mostInFlight]).toEqual([0, 3]));
  await receiver.stop();
});

it('says what a handler threw, instead of hanging', async () => {
  const receiver = await startReceiver(() => {
    throw new Error('slip in the test');
  });
  const answer = await post(receiver.url, '');
  expect([answer.status, await answer.text()]).toEqual([500, 'Error: slip in the test']);
  await receiver.stop();
});

it('survives a sender that goes away in the middle of its request', async () => {
  const receiver = await startReceiver();
  const socket = connect(receiver.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
  await eventually(() => expect(receiver.inFlight).toBe(1));
  socket.destroy();
  await eventually(() => expect(receiver.inFlight).toBe(0));
  expect((await post(receiver.url, 'next')).status).toBe(200);
  expect(receiver.requests).toHaveLength(1);
  await receiver.stop();
});

it('listens where it is told', async () => {
  const receiver = await startReceiver({ host: '::1' });
  expect(receiver.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  await receiver.stop();
});
