import type { FailureKind } from '@spillway/contracts';
import { failingStage } from '@spillway/delivery';
import { withoutFailing, type EndpointRecord } from '@spillway/endpoints';

/** What attempts have said of an endpoint since its record was last written. */
export type Findings = {
  /** It answered well, at some time before `failed`. */
  recovered: boolean;
  /** The first failure after that, or of all. */
  failed?: { at: Date; kind: FailureKind; status?: number | undefined };
  /** Some attempt was not made, because it would have dialled this address. */
  blockedAt?: string;
  /** It said 410 at this address. */
  goneAt?: string;
};

export const noFindings: Findings = { recovered: false };

/** A success makes everything before it forgotten, also a 410: the receiver is there. */
export const succeeded: Findings = { recovered: true };

export const andFailed = (findings: Findings, failed: NonNullable<Findings['failed']>, at: Pick<Findings, 'goneAt' | 'blockedAt'> = {}): Findings => ({ ...findings, failed: findings.failed ?? failed, ...at });

const disabled = (record: EndpointRecord, disabledReason: 'gone' | 'failing', now: Date): EndpointRecord => ({ ...record, enabled: false, disabledReason, updatedAt: now.toISOString() });

const failing = (record: EndpointRecord, { at, kind, status }: NonNullable<Findings['failed']>, now: Date): EndpointRecord => {
  if (record.failingSince === undefined) return { ...record, failingSince: at.toISOString(), failedWith: { kind, ...(status === undefined ? {} : { status }) } };
  const stage = failingStage(new Date(record.failingSince), now);
  if (stage === 3) return disabled(record, 'failing', now);
  return stage > (record.failingTold ?? 0) ? { ...record, failingTold: stage as 1 | 2 } : record;
};

/** The record as it is to be, the same object back when nothing changes. Pure: time is given. */
export const recordAfter = (record: EndpointRecord, { recovered, failed, goneAt, blockedAt }: Findings, now: Date): EndpointRecord => {
  if (record.state === 'deleted' || !record.enabled) return record;
  const well = recovered ? withoutFailing(record) : record;
  const fresh: EndpointRecord = blockedAt === record.url && well.flagged === undefined ? { ...well, flagged: 'ssrf_blocked' } : well;
  if (goneAt !== undefined && goneAt === record.url) return disabled(fresh, 'gone', now);
  return failed === undefined ? fresh : failing(fresh, failed, now);
};

/** What a change of its record makes known of an endpoint. */
export type Announcement = {
  type: 'endpoint.failing' | 'endpoint.disabled';
  /** The record as it is to be. */
  about: EndpointRecord;
  /** What happened once has one key, whoever says it and however often: disabled once since its owner last changed it, which he does when he enables it. */
  key: string;
};

export const announcementOf = (before: EndpointRecord, after: EndpointRecord): Announcement | undefined => {
  if (before.enabled && !after.enabled) return { type: 'endpoint.disabled', about: after, key: `endpoint.disabled ${after.id} ${before.updatedAt}` };
  if (!after.enabled || after.failingTold === undefined || after.failingTold === before.failingTold) return undefined;
  return { type: 'endpoint.failing', about: after, key: `endpoint.failing ${after.id} ${after.failingSince ?? ''} ${after.failingTold}` };
};
