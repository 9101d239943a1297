import { decide, decideUncharged } from './decide.ts';
import type { Delivery, Uncharged } from './decision.ts';
import { defaultPolicy } from './policy.ts';
import { whenDeadRefuses, whenParkedRefuses, whenRetryRefuses } from './refused.ts';

const noon = new Date('2026-01-01T12:00:00Z');
const said = { now: noon, app: 'dispatcher' };
const agedMs = (ms: number): Delivery => ({
  eventId: 'evt_1',
  endpointId: 'ep_1',
  deliveryId: 'dlv_1',
  tenant: 'acme',
  attempt: 3,
  acceptedAt: new Date(noon.getTime() - ms),
});
const young = agedMs(0);
const atCap: Uncharged = { next: { go: 'parked', reason: 'at_cap' }, facts: [] };
const refusing = { kind: 'failed', reason: 'refused' } as const;

it('a retry that WEBHOOK_RETRY refuses is a dead letter, and no fact still promises it', () => {
  const planned = decide(young, refusing, defaultPolicy, noon, 0, 5, 'dispatcher');
  const { next, facts } = whenRetryRefuses(young, planned, said);
  expect(next).toEqual({ go: 'dead', reason: 'retry_overflow' });
  expect(facts).toMatchObject([
    { type: 'attempt.failed', next: 'dead', nextAt: undefined },
    { type: 'delivery.dead', reason: 'retry_overflow', by: 'endpoint', kept: true },
  ]);
});

it('a dead letter that WEBHOOK_DEAD refuses says that it was not kept', () => {
  const planned = decide({ ...young, attempt: 10 }, refusing, defaultPolicy, noon, 0, 5, 'dispatcher');
  const { next, facts } = whenDeadRefuses(planned);
  expect(next).toEqual({ go: 'nowhere' });
  expect(facts).toMatchObject([{ type: 'attempt.failed', next: 'dead' }, { type: 'delivery.dead', reason: 'exhausted', kept: false }]);
});

describe('a delivery that WEBHOOK_PARKED refuses', () => {
  it.each([
    [0, 1],
    [1, 1],
    [2, 2],
    [4, 4],
    [32, 32],
    [64, 60],
    [10_000, 60],
  ])('%d min old goes to the calendar for %d min, with the same attempt before it', (ageMin, waitMin) => {
    const { next, facts } = whenParkedRefuses(agedMs(ageMin * 60_000), atCap, defaultPolicy, 0, said);
    const at = new Date(noon.getTime() + waitMin * 60_000);
    expect(next).toEqual({ go: 'retry', at, attempt: 3 });
    expect(facts).toMatchObject([{ type: 'delivery.parked', reason: 'at_cap', deliveries: ['dlv_1'], nextAt: at.toISOString() }]);
  });

  it('was a probe perhaps: its failure stays told, and says where it went', () => {
    const probed = decideUncharged(young, refusing, defaultPolicy, 'circuit_open', noon, 5, 'dispatcher') as Uncharged;
    const nextAt = '2026-01-01T12:01:00.000Z';
    const overflowed = whenParkedRefuses(young, probed, defaultPolicy, 0, said);
    expect(overflowed.facts).toMatchObject([{ type: 'attempt.failed', attempt: 3, next: 'retry', nextAt }, { type: 'delivery.parked', reason: 'circuit_open', nextAt }]);
    const { next, facts } = whenRetryRefuses(young, overflowed, said, 'parked_overflow');
    expect(next).toEqual({ go: 'dead', reason: 'parked_overflow' });
    expect(facts).toMatchObject([{ type: 'attempt.failed', next: 'dead', nextAt: undefined }, { type: 'delivery.dead', reason: 'parked_overflow' }]);
  });

  it('ends when it would come back too late', () => {
    const { next, facts } = whenParkedRefuses(agedMs(7 * 86_400_000), atCap, defaultPolicy, 0, said);
    expect(next).toEqual({ go: 'nowhere' });
    expect(facts).toMatchObject([{ type: 'delivery.expired', reason: 'too_old' }]);
  });
});
