import { DeliverPolicy, jetstream, type JsMsg } from '@nats-io/jetstream';
import type { BucketName } from '@spillway/topology';
import type { Broker } from './broker.ts';
import { BrokerAway } from './errors.ts';

/** `value` undefined: removed. */
export type Change = { key: string; value: string | undefined; revision: number };

export type BucketWatch = { changes: AsyncIterable<Change>; stop: () => void };

/**
 * Everything a bucket says from a revision on (from 0: the last entry of each key first), in order, until it is stopped or fails.
 *
 * It is a consumer in the server's memory. The one that a client makes by itself for a watch is kept on disk, and the server writes its place there
 * with each change: nats-server 2.15.1 under `sync_interval: always`, five apps watching the leases, nothing to do: 30 files and 64 disk syncs a second
 * became 0 and 13 (strace). A restart of the server ends it, so whoever watches opens it again then.
 */
export const watchBucket = async (broker: Broker, bucket: BucketName, after: number): Promise<BucketWatch> => {
  const start = after > 0 ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 } : { deliver_policy: DeliverPolicy.LastPerSubject };
  // `mem_storage` is not among the client's options for an ordered consumer, but handed on to the server with them
  const options = { ...start, filter_subjects: `$KV.${bucket}.>`, mem_storage: true };
  const consumer = await jetstream(broker.nc).consumers.getPushConsumer(`KV_${bucket}`, options);
  // on a connection that was closed meanwhile it throws (3.4.0, `start` of its push consumer), and leaves a timer behind that nobody can reach, and no process ends with
  if (broker.nc.isClosed()) throw new BrokerAway(`the watch of ${bucket}`);
  const messages = await consumer.consume();
  return { changes: changesIn(messages, `$KV.${bucket}.`.length), stop: () => messages.stop() };
};

async function* changesIn(messages: AsyncIterable<JsMsg>, prefixLength: number): AsyncGenerator<Change> {
  for await (const message of messages) {
    const isRemoval = (message.headers?.get('KV-Operation') ?? '') !== ''; // DEL or PURGE; a PUT has no such header
    yield { key: message.subject.slice(prefixLength), value: isRemoval ? undefined : message.string(), revision: message.seq };
  }
}
