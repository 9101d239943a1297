import { hash, randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(16 * 256);
let used = pool.length;

/** 128 random bits, from a pool: one call to the system for 256 ids. */
const random128 = (): string => {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString('base64url', used, used + 16);
  used += 16;
  return id;
};

/** The length before each part: ("a", "bc") and ("ab", "c") are two inputs, not one. The one-shot hash takes half the time of a hash object. */
const hash128 = (...parts: readonly string[]): string => {
  // the length before each part: ("a", "bc") and ("ab", "c") are two inputs, not one
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  // one call over one text: 0.6 µs, where a Hash object and its updates cost 3
  return hash('sha256', text, 'base64url').slice(0, 22);
};

/** An event that came without a key of its producer's. */
export const newEventId = (): string => `evt_${random128()}`;

/** The same tenant and key give the same id for ever, with no look-up. */
export const derivedEventId = (tenant: string, key: string): string => `evt_${hash128('event', tenant, key)}`;

/** A CloudEvent is known by its `source` and `id` together: two sources may count from 1. */
export const derivedCloudEventId = (tenant: string, source: string, id: string): string => `evt_${hash128('cloudevent', tenant, source, id)}`;

export const newEndpointId = (): string => `ep_${random128()}`;

/** An operator's long task: replay, recover, rebuild. */
export const newJobId = (): string => `job_${random128()}`;

/** The same task asked for again is the same job. */
export const derivedJobId = (...of: readonly string[]): string => `job_${hash128('job', ...of)}`;

/** Names the duty to bring one event to one endpoint; a replay is a duty of its own and says its job. */
export const deliveryId = (eventId: string, endpointId: string, job = ''): string => `dlv_${hash128('delivery', eventId, endpointId, job)}`;
