import { createHmac } from 'node:crypto';
import { Pool } from 'undici';
import { jetstream, nats, pager } from './groups.mjs';

const nc = await nats();
const record = pager(nc, 'ledger.t1');
const messages = await (await jetstream(nc).consumers.get('DELIVERY', 'w')).consume({ max_messages: 512 });
const pool = new Pool(process.env.RECEIVER, { connections: 64, pipelining: 1 });

const deliver = async (message) => {
  const id = message.headers.get('Nats-Msg-Id');
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac('sha256', '0123456789abcdef0123456789abcdef').update(`${id}.${timestamp}.`).update(message.data).digest('base64');
  const answer = await pool.request({
    path: '/hook',
    method: 'POST',
    body: message.data,
    headers: { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` },
  });
  await answer.body.dump();
  await record(JSON.stringify({ id, status: answer.statusCode, timestamp }));
  message.ack();
};
for await (const message of messages) void deliver(message);
