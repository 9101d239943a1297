import type { DeadReason } from '@spillway/contracts';
import { subject } from '@spillway/topology';
import type { DeadLetter } from './dead-letter.ts';

/** Which dead letters are meant; all of what is said must hold. `from` and `to`: RFC 3339, when they were given up, `to` not included. */
export type DeadFilters = { by?: 'endpoint' | 'pipeline'; tenant?: string; endpoint?: string; reason?: DeadReason; from?: string; to?: string };

/** A record, so that a new reason without a place here does not compile. */
const known: Record<DeadReason, true> = {
  exhausted: true,
  gone: true,
  ssrf_blocked: true,
  endpoint_deleted: true,
  parked_overflow: true,
  retry_overflow: true,
  poison: true,
  unreadable: true,
  internal: true,
};
export const deadReasons = Object.keys(known) as DeadReason[];

/** What of WEBHOOK_DEAD has to be looked at: subjects hold whose fault and whose tenant it is, the rest stands in headers. */
export const subjectOf = ({ by, tenant }: DeadFilters): string => {
  if (by === 'pipeline') return 'webhook.dead.pipeline.*';
  if (by === 'endpoint') return tenant === undefined ? 'webhook.dead.endpoint.*' : subject.dead.endpoint(tenant);
  return 'webhook.dead.>';
};

export const isMeant = (letter: DeadLetter, { by, tenant, endpoint, reason, from, to }: DeadFilters): boolean => {
  const at = Date.parse(letter.at);
  return (
    (by === undefined || letter.by === by) &&
    (tenant === undefined || letter.tenant === tenant) &&
    (endpoint === undefined || letter.endpoint === endpoint) &&
    (reason === undefined || letter.reason === reason) &&
    (from === undefined || at >= Date.parse(from)) &&
    (to === undefined || at < Date.parse(to))
  );
};

/** Nothing that is stored later can be meant any more. */
export const isPast = (letter: DeadLetter, { to }: DeadFilters): boolean => to !== undefined && Date.parse(letter.at) >= Date.parse(to);
