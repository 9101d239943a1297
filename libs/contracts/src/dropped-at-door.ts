import { EVENT_TYPE_PATTERN, isTenant } from './tokens.ts';

/** So many events of a tenant's type were repeats, and ingest dropped them at its door: told to dedupe over core NATS, which watches for storms. Nothing is counted by it. */
export type DroppedAtDoor = { tenant: string; type: string; count: number };

const isDropped = (value: unknown): value is DroppedAtDoor => {
  const { tenant, type, count } = (value ?? {}) as Record<string, unknown>;
  return typeof tenant === 'string' && isTenant(tenant) && typeof type === 'string' && EVENT_TYPE_PATTERN.test(type) && Number.isSafeInteger(count) && Number(count) > 0;
};

/** Those that can be read: whatever else was said is of another version, or nobody's of ours. */
export const readDroppedAtDoor = (text: string): DroppedAtDoor[] => {
  try {
    const said: unknown = JSON.parse(text);
    return Array.isArray(said) ? said.filter(isDropped) : [];
  } catch {
    return [];
  }
};
