/** What stands under a switch's key in `webhook_control`; both may stand at once. `at`: RFC 3339. */
export type RetrySwitch = { suspended?: { by: string; at: string }; throttled?: { perSecond: number; by: string; at: string } };

/** Whose later attempts: those of one endpoint, of one tenant, or, with neither, all. */
export type SwitchScope = { tenant?: string | undefined; endpoint?: string | undefined };

export const SWITCH_PREFIX = 'retries.';

/** As `nats kv get webhook_control retries.all` shows it. */
export const switchKey = ({ tenant, endpoint }: SwitchScope): string => {
  if (endpoint !== undefined) return `${SWITCH_PREFIX}endpoint.${endpoint}`;
  return tenant === undefined ? `${SWITCH_PREFIX}all` : `${SWITCH_PREFIX}tenant.${tenant}`;
};

/** Of a key in `webhook_control`; `undefined` when it is no switch. */
export const scopeOfSwitch = (key: string): SwitchScope | undefined => {
  if (key === switchKey({})) return {};
  const [, kind, name] = /^retries\.(tenant|endpoint)\.(.+)$/.exec(key) ?? [];
  if (kind === 'tenant') return { tenant: name };
  return kind === 'endpoint' ? { endpoint: name } : undefined;
};

/** `undefined` for what no writer of ours has written. */
export const readSwitch = (text: string): RetrySwitch | undefined => {
  try {
    const value = JSON.parse(text) as RetrySwitch | null;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};
