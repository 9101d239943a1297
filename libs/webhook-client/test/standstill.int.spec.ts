import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { newClient, post } from './post.ts';

const TIMEOUT_MS = 1_000;
/** How many answers the receiver has handed to the kernel. */
const answers = new Int32Array(new SharedArrayBuffer(4));
/** A receiver that goes on while this thread stands still; answers after 100 ms. */
const RECEIVER = `
const { parentPort, workerData: answers } = require('node:worker_threads');
const finish = (response) => response.once('finish', () => {
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
});
const server = require('node:http').createServer((_, response) => setTimeout(() => finish(response).end(), 100));
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};
/** Stands still until the receiver has given so many answers. */
const standStillUntil = (count: number): void => {
  for (let seen = Atomics.load(answers, 0); seen < count; seen = Atomics.load(answers, 0)) {
    if (Atomics.wait(answers, 0, seen, 30_000) === 'timed-out') throw new Error(`the receiver has given ${seen} answers, not ${count}`);
  }
};

let worker: Worker;
let port: number;
const client = newClient();
beforeAll(async () => {
  worker = new Worker(RECEIVER, { eval: true, workerData: answers });
  [port] = (await once(worker, 'message')) as [number];
});
afterAll(async () => {
  await client.close();
  await worker.terminate();
});

it('an answer that came while this process stood still counts, although the deadline passed meanwhile', async () => {
  const url = `http://127.0.0.1:${port}/`;
  await post(client, url); // so that the next request is sent at once, on this connection
  const attempted = post(client, url, { timeoutMs: TIMEOUT_MS });
  for (let turn = 1; turn <= 3; turn += 1) await new Promise(setImmediate); // undici looks at a connection it uses again for one turn
  standStillUntil(2);
  standStill(TIMEOUT_MS + 500);
  expect((await attempted).outcome).toEqual({ kind: 'delivered', status: 200 });
});
