import { isPassing, type Broker } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import type { QueueName } from '@spillway/topology';
import { TICK_MS, weightOf, type Backlog, type Crowding } from './crowding.ts';

type ConsumerInfo = { num_pending: number; num_ack_pending: number };

const waitingFor = async (broker: Pick<Broker, 'api'>, durable: QueueName): Promise<number> => {
  const { num_pending: waiting, num_ack_pending: inHand } = await broker.api<ConsumerInfo>(`CONSUMER.INFO.WEBHOOK_INGEST.${durable}`);
  return waiting + inHand;
};

/** Of a message in INGEST, in the middle: how many events it holds in each lane, and bytes. */
export type MeanMessage = { events: { fresh: number; bulk: number }; bytes: number };

/** @throws BrokerAway | OutcomeUnknown | BrokerRefused */
export const readBacklog = async (broker: Pick<Broker, 'api'>, { events, bytes }: MeanMessage): Promise<Backlog> => {
  const [fresh, bulk] = await Promise.all([waitingFor(broker, 'dedupe-fresh'), waitingFor(broker, 'dedupe-bulk')]);
  return { fresh: fresh * weightOf(bytes, events.fresh), bulk: bulk * weightOf(bytes, events.bulk) };
};

/** Asks the broker what waits while it matters, ten times a second (0.1 ms of it each time): never while nobody is far ahead of the others. */
export const watchCrowding = (broker: Pick<Broker, 'api'>, crowding: Crowding, meanMessage: () => MeanMessage, log: Pick<Logger, 'warn'>): { stop(): void } => {
  let asking = false;
  const look = async (): Promise<void> => {
    crowding.tick(performance.now());
    if (asking || !crowding.isUneven) return;
    asking = true;
    try {
      crowding.judge(await readBacklog(broker, meanMessage()), performance.now());
    } catch (error) {
      // whoever was moved stays so meanwhile, and nobody else is
      if (!isPassing(error)) log.warn({ err: error }, 'what waits before dedupe could not be read');
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void look(), TICK_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
};
