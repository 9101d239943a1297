import type { Fact, RetrySwitch, SwitchScope } from '@spillway/contracts';
import type { SwitchChange } from './switch-store.ts';

type SwitchFact = Extract<Fact, { type: 'retries.suspended' | 'retries.resumed' | 'retries.throttled' }>;

/** The same object back when nothing changes: who suspended first stays the one who did. */
export const suspended =
  (by: string, at: string) =>
  (current: RetrySwitch): RetrySwitch =>
    current.suspended === undefined ? { ...current, suspended: { by, at } } : current;

export const resumed = (current: RetrySwitch): RetrySwitch => {
  if (current.suspended === undefined) return current;
  const { suspended: _, ...rest } = current;
  return rest;
};

export const throttled =
  (perSecond: number | null, by: string, at: string) =>
  (current: RetrySwitch): RetrySwitch => {
    if ((current.throttled?.perSecond ?? null) === perSecond) return current;
    const { throttled: _, ...rest } = current;
    return perSecond === null ? rest : { ...rest, throttled: { perSecond, by, at } };
  };

/** What an endpoint's or a tenant's switch says belongs to the tenant's story; what is said for all to that of the whole plane. */
export const SYSTEM_TENANT = '_system';

const said = ({ tenant, endpoint }: SwitchScope, by: string, at: string) => ({
  v: 1 as const,
  at,
  tenant: tenant ?? SYSTEM_TENANT,
  of: endpoint !== undefined ? ('endpoint' as const) : tenant !== undefined ? ('tenant' as const) : ('all' as const),
  ...(endpoint === undefined ? {} : { endpoint }),
  by,
});

/** Nothing changed, nothing said. */
export const switchFacts = (scope: SwitchScope, { before, after }: SwitchChange, by: string, at: string): SwitchFact[] => {
  const facts: SwitchFact[] = [];
  if (!before.suspended && after.suspended) facts.push({ type: 'retries.suspended', ...said(scope, by, at) });
  if (before.suspended && !after.suspended) facts.push({ type: 'retries.resumed', ...said(scope, by, at) });
  const perSecond = after.throttled?.perSecond ?? null;
  if ((before.throttled?.perSecond ?? null) !== perSecond) facts.push({ type: 'retries.throttled', ...said(scope, by, at), perSecond });
  return facts;
};
