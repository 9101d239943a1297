import { buckets, everyStream, MARKER_KEY, streams, type BucketName, type StreamName } from '@spillway/topology';
import { startBroker, type TestBroker } from '@spillway/testing';
import type { Logger } from '@spillway/telemetry';
import { Broker } from '../src/broker.ts';

const nothing = (): void => undefined;
/** Says nothing: what a test expects to be said it asserts elsewhere. */
export const quiet = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing } as unknown as Logger;

export const connectTo = (server: TestBroker): Promise<Broker> => Broker.connect({ servers: server.url, name: 'test', log: quiet });

/** A stream of the catalogue, with limits of the test's own. */
export const makeStream = (broker: Broker, name: StreamName, limits: Record<string, unknown> = {}): Promise<unknown> => {
  const { alert: _alert, holds: _holds, ...settings } = streams[name];
  return broker.api(`STREAM.CREATE.${name}`, { ...everyStream, ...settings, name, max_bytes: 64 * 2 ** 20, ...limits });
};

export const makeBucket = async (broker: Broker, name: BucketName, { marker = true } = {}): Promise<void> => {
  await broker.api(`STREAM.CREATE.KV_${name}`, {
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    storage: 'file',
    discard: 'new',
    max_bytes: 2 ** 20,
    max_msgs_per_subject: buckets[name].history,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  });
  if (marker) await broker.api(`STREAM.INFO.KV_${name}`).then(() => broker.nc.request(`$KV.${name}.${MARKER_KEY}`, '{}'));
};

export type StreamState = { state: { messages: number; bytes: number; first_seq: number; last_seq: number } };
export const stateOf = async (broker: Broker, name: string): Promise<StreamState['state']> => (await broker.api<StreamState>(`STREAM.INFO.${name}`)).state;

export { startBroker };
