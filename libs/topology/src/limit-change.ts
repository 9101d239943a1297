import { desiredConfig } from './desired.ts';
import type { Limits } from './limits.ts';
import type { ManagedName } from './managed.ts';
import { OVERRIDE_KEYS, writeOverrides, type Overrides } from './overrides.ts';
import { planChange, type FoundStream, type Plan } from './plan.ts';

/** A limit set by command, or with no overrides the way back to the configured one: the limits and what notes them, nothing else of the stream. */
export const planLimit = (name: ManagedName, overrides: Overrides, limits: Limits, seen: FoundStream, { mayForget = false } = {}): Plan => {
  const { max_bytes, max_msgs_per_subject = seen.config['max_msgs_per_subject'] } = desiredConfig(name, limits, overrides);
  const noted = (seen.config['metadata'] ?? {}) as Record<string, string>;
  const rest = Object.fromEntries(Object.entries(noted).filter(([key]) => !(Object.values(OVERRIDE_KEYS) as string[]).includes(key)));
  return planChange(name, { ...seen.config, name, max_bytes, max_msgs_per_subject, metadata: { ...rest, ...writeOverrides(overrides) } }, seen, { mayForget });
};
