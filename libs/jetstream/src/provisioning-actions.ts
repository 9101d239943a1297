import { bucketOf, MARKER_KEY, type Action, type ManagedName } from '@spillway/topology';
import { backOff } from './backoff.ts';
import type { Broker } from './broker.ts';
import { BrokerRefused, isPassing } from './errors.ts';

const INSIST_MS = 30_000;
/** "JetStream system temporarily unavailable": a cluster that has not found its leader. */
const isUnavailable = (error: unknown): boolean => error instanceof BrokerRefused && error.errCode === 10_008;

/** A stream with three replicas is made in a second or so on a busy machine. */
const SLOW_MS = 20_000;

/** A broker that has just started, or a stream on a cluster that has no leader yet, answers late or not at all. Every action may be done twice. */
export const insistently = async <T>(act: () => Promise<T>): Promise<T> => {
  const deadline = performance.now() + INSIST_MS;
  for (let failures = 0; ; failures += 1) {
    try {
      return await act();
    } catch (error) {
      if (!(isPassing(error) || isUnavailable(error)) || performance.now() > deadline) throw error;
      await backOff(failures);
    }
  }
};

/** @returns the creation time of a stream that was made */
export const carryOut = async (broker: Broker, action: Action): Promise<string | undefined> => {
  switch (action.do) {
    case 'create stream':
      return (await broker.api<{ created: string }>(`STREAM.CREATE.${action.stream}`, action.config, SLOW_MS)).created;
    case 'change stream':
      await broker.api(`STREAM.UPDATE.${action.stream}`, action.config, SLOW_MS);
      return undefined;
    case 'create durable':
    case 'change durable':
      await broker.api(`CONSUMER.CREATE.${action.stream}.${action.durable}.${String(action.config['filter_subject'])}`, { stream_name: action.stream, config: action.config, action: action.do === 'create durable' ? 'create' : 'update' }, SLOW_MS);
      return undefined;
    case 'mark bucket':
      await mark(broker, action.stream);
      return undefined;
  }
};

const mark = async (broker: Broker, stream: ManagedName): Promise<void> => {
  const what = `the marker of ${stream}`;
  const answer = await broker.replies.ask(what, SLOW_MS, (reply) => broker.nc.publish(`$KV.${bucketOf(stream) ?? ''}.${MARKER_KEY}`, JSON.stringify({ by: 'spillway provision' }), { reply }));
  const ack = answer.json<{ error?: { code: number; err_code?: number; description?: string } }>();
  if (ack.error) throw new BrokerRefused(ack.error.err_code ?? ack.error.code, ack.error.description ?? 'no description', what);
};
