import { deliveryHeaders, header, type DeliveryMeta } from '@spillway/contracts';
import { shardOf, subject, type StreamName } from '@spillway/topology';
import type { BrokerView } from './broker-view.ts';

/** Far more at once than one batch, so that batches are full; and few enough for the publisher's own bound. */
const AT_ONCE = 5_000;
const DIGITS = 20;

export type Owed = {
  tenant: string;
  endpointId: string;
  /** Where it waits: for a time, or for its endpoint. */
  due?: Date;
  /** 2 unless said: later attempts are what the calendar holds. */
  attempt?: number;
};

/** The id of the `n`th delivery that a test writes itself. */
export const owedEvent = (n: number): string => `evt_${String(n).padStart(DIGITS, '0')}`;

/** Deliveries that wait already, written as a dispatcher writes them after a failure, in batches. @param from the number of the first: each has its own */
export const oweMany = async (view: BrokerView, count: number, owed: (n: number) => Owed, from = 0): Promise<void> => {
  for (let next = from; next < from + count; next += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, from + count - next) }, (_, i) => oweOne(view, next + i, owed(next + i))));
  }
};

const oweOne = async (view: BrokerView, n: number, { tenant, endpointId, due, attempt = 2 }: Owed): Promise<void> => {
  const acceptedAt = new Date(Date.now() - 10_000).toISOString();
  const meta: DeliveryMeta = { eventId: owedEvent(n), tenant, type: 'owed', source: `/tenants/${tenant}`, acceptedAt, endpointId, attempt, dueAt: due?.toISOString() };
  const shard = shardOf(endpointId);
  const [stream, to]: [StreamName, string] = due ? ['WEBHOOK_RETRY', subject.retryAt(shard, due)] : ['WEBHOOK_PARKED', subject.parked(attempt === 1 ? 'first' : 'later', shard, endpointId)];
  await view.publish(stream, to, [...deliveryHeaders(meta), [header.messageId, `TEST@t0:${n}`]], Buffer.from(`{"type":"owed","timestamp":"${acceptedAt}","data":{"n":${n},"text":"${'x'.repeat(200)}"}}`));
};
