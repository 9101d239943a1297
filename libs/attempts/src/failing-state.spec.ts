import { DISABLE_AFTER_MS } from '@spillway/delivery';
import type { EndpointRecord } from '@spillway/endpoints';
import { andFailed, noFindings, recordAfter, succeeded, type Findings } from './failing-state.ts';

const url = 'https://example.com/hook';
const record: EndpointRecord = { id: 'ep_00000001', tenant: 'acme', url, enabled: true, secrets: [], state: 'active', createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z' };
const began = new Date('2026-02-01T00:00:00.000Z');
const later = (share: number): Date => new Date(began.getTime() + share * DISABLE_AFTER_MS);
const failedAt = (at: Date, before: Findings = noFindings): Findings => andFailed(before, { at, kind: 'status', status: 503 });
const failing: EndpointRecord = { ...record, failingSince: began.toISOString(), failedWith: { kind: 'status', status: 503 } };

it('begins to fail with the first failure, and says with which', () => {
  expect(recordAfter(record, failedAt(began), later(0.001))).toEqual(failing);
});

it('stays as it is while nothing new can be said', () => {
  expect(recordAfter(failing, failedAt(later(0.1)), later(0.1))).toBe(failing);
  expect(recordAfter(record, succeeded, began)).toBe(record);
  expect(recordAfter({ ...failing, failingTold: 1 }, failedAt(later(0.5)), later(0.5))).toMatchObject({ failingTold: 1, enabled: true });
});

it('has its owner warned at a fifth and at four fifths of the time', () => {
  expect(recordAfter(failing, failedAt(later(0.2)), later(0.2))).toEqual({ ...failing, failingTold: 1 });
  expect(recordAfter({ ...failing, failingTold: 1 }, failedAt(later(0.8)), later(0.8))).toEqual({ ...failing, failingTold: 2 });
});

it('is disabled after five days without a success, whatever was told', () => {
  expect(recordAfter(failing, failedAt(later(1)), later(1))).toMatchObject({ enabled: false, disabledReason: 'failing', failingSince: began.toISOString() });
});

it('is well after a success, and begins anew with the failure that follows it', () => {
  expect(recordAfter({ ...failing, failingTold: 2 }, succeeded, later(0.9))).toEqual(record);
  expect(recordAfter(failing, failedAt(later(0.99), succeeded), later(1))).toMatchObject({ enabled: true, failingSince: later(0.99).toISOString() });
});

it('counts from the first of several failures', () => {
  expect(recordAfter(record, failedAt(later(0.5), failedAt(began)), later(0.5)).failingSince).toBe(began.toISOString());
});

it('is disabled by a 410 at once, unless it has another address by now', () => {
  const gone = andFailed(noFindings, { at: began, kind: 'status', status: 410 }, { goneAt: url });
  expect(recordAfter(record, gone, began)).toMatchObject({ enabled: false, disabledReason: 'gone' });
  expect(recordAfter({ ...record, url: 'https://example.com/new' }, gone, began).enabled).toBe(true);
});

it('is flagged while its address may not be dialled, and no more once it has another', () => {
  const blocked = andFailed(noFindings, { at: began, kind: 'ssrf_blocked' }, { blockedAt: url });
  const flagged = recordAfter(record, blocked, began);
  expect(flagged).toMatchObject({ enabled: true, flagged: 'ssrf_blocked', failedWith: { kind: 'ssrf_blocked' } });
  expect(recordAfter(flagged, blocked, later(0.1))).toBe(flagged);
  expect(recordAfter({ ...record, url: 'https://example.com/new' }, blocked, began).flagged).toBeUndefined();
  expect(recordAfter(flagged, succeeded, later(0.1))).toEqual(record);
});

it('is left alone when it is disabled or deleted already', () => {
  const off: EndpointRecord = { ...failing, enabled: false, disabledReason: 'requested' };
  expect(recordAfter(off, failedAt(later(2)), later(2))).toBe(off);
  const deleted: EndpointRecord = { ...record, enabled: false, state: 'deleted' };
  expect(recordAfter(deleted, failedAt(later(2)), later(2))).toBe(deleted);
});
