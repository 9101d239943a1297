// Drops what the consumer has acked (limits streams): bytes = backlog, without the disk sync that each ack costs on a workqueue stream.
import { jetstreamManager, nats } from './groups.mjs';

const manager = await jetstreamManager(await nats());
for (;;) {
  for (const stream of ['INGEST', 'DELIVERY']) {
    const { ack_floor: floor } = await manager.consumers.info(stream, 'w');
    if (floor.stream_seq > 0) await manager.streams.purge(stream, { seq: floor.stream_seq + 1 });
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}
