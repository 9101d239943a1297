/** A token may hold no dot, wildcard or space (NATS ADR-6), so subjects are built here and nowhere else. */
const token = (value: string): string => {
  if (!/^[\w-]+$/.test(value)) throw new RangeError(`illegal subject token: ${JSON.stringify(value)}`);
  return value;
};

const two = (n: number): string => String(n).padStart(2, '0');

export type IngestLane = 'fresh' | 'bulk' | 'ordered';
export type DeliveryLane = 'fresh' | 'bulk';
export type ParkedKind = 'first' | 'later';

export const subject = {
  ingest: (lane: IngestLane, tenant: string) => `webhook.ingest.${lane}.${token(tenant)}`,
  delivery: (lane: DeliveryLane, shard: number) => `webhook.delivery.${lane}.${shard}`,
  parked: (kind: ParkedKind, shard: number, endpointId: string) => `webhook.parked.${kind}.${shard}.${token(endpointId)}`,
  /** `dueAt` is rounded up to its bucket already. Reads as people read it: `webhook.retry.at.3.20261122T01.4030`, UTC. */
  retryAt: (shard: number, dueAt: Date) => {
    const day = dueAt.toISOString().slice(0, 10).replaceAll('-', '');
    return `webhook.retry.at.${shard}.${day}T${two(dueAt.getUTCHours())}.${two(dueAt.getUTCMinutes())}${two(dueAt.getUTCSeconds())}`;
  },
  dead: {
    endpoint: (tenant: string) => `webhook.dead.endpoint.${token(tenant)}`,
    pipeline: (app: string) => `webhook.dead.pipeline.${token(app)}`,
  },
  ledger: (tenant: string) => `webhook.ledger.${token(tenant)}`,
  /** Core NATS, kept nowhere: tells an owner sooner that something was parked for it. */
  nudge: (kind: ParkedKind, shard: number) => `webhook.nudge.${kind}.${shard}`,
  /** Core NATS: asks the shard's owners what they have learnt of endpoints. */
  askLearnt: (shard: number | '*') => `webhook.ask.learnt.${shard}`,
  /** Core NATS: ingest tells one of the dedupes what it dropped at its door. */
  tellDropped: 'webhook.tell.dropped',
} as const;

const RETRY_AT = /^webhook\.retry\.at\.(\d+)\.(\d{4})(\d{2})(\d{2})T(\d{2})\.(\d{2})(\d{2})$/;

/** Shard and due time of a calendar subject; `undefined` when it is none. */
export const readRetryAt = (of: string): { shard: number; dueAt: Date } | undefined => {
  const match = RETRY_AT.exec(of);
  if (!match) return undefined;
  const [, shard, year, month, day, hour, minute, second] = match;
  return { shard: Number(shard), dueAt: new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) };
};

/** The shard of such a question; `undefined` when it is none. */
export const readAskLearnt = (of: string): number | undefined => {
  const match = /^webhook\.ask\.learnt\.(\d+)$/.exec(of);
  return match ? Number(match[1]) : undefined;
};

/** Kind, shard and endpoint of a parked subject; `undefined` when it is none. */
export const readParked = (of: string): { kind: ParkedKind; shard: number; endpointId: string } | undefined => {
  const match = /^webhook\.parked\.(first|later)\.(\d+)\.([\w-]+)$/.exec(of);
  return match ? { kind: match[1] as ParkedKind, shard: Number(match[2]), endpointId: match[3] as string } : undefined;
};

/** Whether the events of this subject are routed one after the other: then no two of them may share a message. */
export const isOrderedIngest = (of: string): boolean => of.startsWith('webhook.ingest.ordered.');

/** Whether it took the lane that nobody waits for. */
export const isBulkIngest = (of: string): boolean => of.startsWith('webhook.ingest.bulk.');

/** Whether a delivery waits for its first attempt in the lane that nobody waits for. */
export const isBulkDelivery = (of: string): boolean => of.startsWith('webhook.delivery.bulk.');

/** Lane and tenant of an event that waits to be routed; `undefined` when it is none. */
export const readIngest = (of: string): { lane: IngestLane; tenant: string } | undefined => {
  const match = /^webhook\.ingest\.(fresh|bulk|ordered)\.([\w-]+)$/.exec(of);
  return match ? { lane: match[1] as IngestLane, tenant: match[2] as string } : undefined;
};
