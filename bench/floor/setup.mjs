import { jetstreamManager, nats } from './groups.mjs';

const nc = await nats();
const manager = await jetstreamManager(nc);
for (const name of ['INGEST', 'DELIVERY', 'LEDGER']) {
  await manager.streams.add({ name, subjects: [`${name.toLowerCase()}.>`], storage: 'file', allow_atomic: true, retention: 'limits', discard: name === 'LEDGER' ? 'old' : 'new', max_bytes: 4e9 });
  if (name !== 'LEDGER') await manager.consumers.add(name, { durable_name: 'w', ack_policy: 'explicit', max_ack_pending: 5_000, ack_wait: 60e9 });
}
await nc.close();
