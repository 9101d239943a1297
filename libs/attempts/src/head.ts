/** The first delivery of an ordered endpoint, after a failure: key `head.<endpoint>` in `webhook_leases`. */
export type Head = {
  /** Names its message: of any other the key says nothing. */
  origin: string;
  /** The number of its next attempt. */
  attempt: number;
  /** RFC 3339, UTC. */
  dueAt: string;
};

export const HEAD_PREFIX = 'head.';
export const headKey = (endpointId: string): string => `${HEAD_PREFIX}${endpointId}`;

/** `undefined` for what nobody of ours has written. */
export const readHead = (text: string): Head | undefined => {
  try {
    const head = JSON.parse(text) as Partial<Head> | null;
    const whole = typeof head?.origin === 'string' && Number.isSafeInteger(head.attempt) && typeof head.dueAt === 'string' && !Number.isNaN(Date.parse(head.dueAt));
    return whole ? (head as Head) : undefined;
  } catch {
    return undefined;
  }
};
