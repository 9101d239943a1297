import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { newClient, post } from './post.ts';

/** A receiver that goes on while this thread stands still; answers after 100 ms. */
const RECEIVER = `
const { parentPort } = require('node:worker_threads');
const server = require('node:http').createServer((_, response) => setTimeout(() => response.end(), 100));
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

let worker: Worker;
const client = newClient();
beforeAll(() => {
  worker = new Worker(RECEIVER, { eval: true });
});
afterAll(async () => {
  await client.close();
  await worker.terminate();
});

it('an answer that came while this process stood still counts, although the deadline passed meanwhile', async () => {
  const [port] = (await once(worker, 'message')) as [number];
  const url = `http://127.0.0.1:${port}/`;
  await post(client, url); // so that the next request is sent at once, on this connection
  const attempted = post(client, url, { timeoutMs: 400 });
  for (let turn = 1; turn <= 3; turn += 1) await new Promise(setImmediate); // undici looks at a connection it uses again for one turn
  standStill(1_000);
  expect((await attempted).outcome).toEqual({ kind: 'delivered', status: 200 });
});
