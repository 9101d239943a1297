import type { Fact } from '@spillway/contracts';
import type { Delivery, Failure } from './decision.ts';
import { attemptFailed, attemptSucceeded, deliveriesParked, deliveryDead, deliveryExpired } from './facts.ts';
import { evolve, newHistory, type History } from './history.ts';

const noon = new Date('2026-01-01T12:00:00Z');
const said = { now: noon, app: 'dispatcher', durationMs: 1 };
const at = (attempt: number): Delivery => ({ eventId: 'evt_1', endpointId: 'ep_1', deliveryId: 'dlv_1', tenant: 'acme', attempt, acceptedAt: noon });
const refused: Failure = { kind: 'failed', reason: 'refused' };

const succeeded = (attempt: number): Fact => attemptSucceeded(at(attempt), { kind: 'delivered', status: 200 }, said);
const retried = (attempt: number): Fact => attemptFailed(at(attempt), refused, said, 'retry', noon);
const parked = deliveriesParked('acme', 'ep_1', ['dlv_1'], 'at_cap', said);
const dead = deliveryDead(at(2), 'exhausted', said);
const expired = deliveryExpired(at(2), 'too_old', said);
const deleted: Fact = { v: 1, at: noon.toISOString(), type: 'endpoint.deleted', tenant: 'acme', endpoint: 'ep_1', by: 'key_1' };

const told = (...facts: Fact[]): History => facts.reduce(evolve, newHistory);

it.each<[given: string, Fact[], Partial<History>]>([
  ['nothing yet', [], { state: 'pending', attempts: 0 }],
  ['a failed attempt', [retried(1)], { state: 'retrying', attempts: 1, nextAt: noon.toISOString() }],
  ['a parking', [parked], { state: 'parked', attempts: 0, reason: 'at_cap' }],
  ['a parking, then a failed attempt', [parked, retried(1)], { state: 'retrying', attempts: 1, reason: undefined }],
  ['a success at the second attempt', [retried(1), succeeded(2)], { state: 'delivered', attempts: 2, late: 0 }],
  ['the last attempt and its end', [attemptFailed(at(2), refused, said, 'dead'), dead], { state: 'dead', attempts: 2, reason: 'exhausted', late: 0 }],
  ['its age', [retried(1), expired], { state: 'expired', attempts: 1, reason: 'too_old' }],
  ['the end of its endpoint', [retried(1), deleted], { state: 'dead', reason: 'endpoint_deleted' }],
  ['a retry after its end', [dead, retried(3)], { state: 'dead', reason: 'exhausted', attempts: 3, late: 1 }],
  ['two ends', [dead, expired], { state: 'dead', reason: 'exhausted', late: 1 }],
  ['a success after its end', [dead, succeeded(3)], { state: 'delivered', attempts: 3, late: 1 }],
  ['two successes', [succeeded(1), succeeded(2)], { state: 'delivered', attempts: 2, late: 1 }],
  ['failures after its success', [succeeded(1), retried(1), dead], { state: 'delivered', attempts: 1, late: 2 }],
  ['facts told out of order', [retried(3), retried(1)], { attempts: 3 }],
  ['a fact of something else', [{ ...deleted, type: 'endpoint.changed' }], { state: 'pending', late: 0 }],
])('a delivery of which is told: %s', (_given, facts, history) => {
  expect(told(...facts)).toMatchObject(history);
});
