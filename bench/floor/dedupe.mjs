import { Redis } from 'ioredis';
import { grouper, headers, jetstream, nats, pager } from './groups.mjs';

const redis = new Redis(Number(process.env.FLOOR_REDIS_PORT), '127.0.0.1', { enableAutoPipelining: true });
const nc = await nats();
const publish = grouper(nc);
const record = pager(nc, 'ledger.t1');
const messages = await (await jetstream(nc).consumers.get('INGEST', 'w')).consume({ max_messages: 1_000 });

const route = async (message) => {
  const id = message.headers.get('Nats-Msg-Id');
  if (await redis.set(`d:${id}`, message.seq, 'PX', 86_400_000, 'NX')) {
    const h = headers();
    h.set('Nats-Msg-Id', `${id}:ep1`);
    h.set('traceparent', message.headers.get('traceparent'));
    await Promise.all([publish('delivery.0.ep1', message.data, h), record(message.data)]);
  }
  message.ack();
};
for await (const message of messages) void route(message);
