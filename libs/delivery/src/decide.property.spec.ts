import type { Fact } from '@spillway/contracts';
import * as fc from 'fast-check';
import { decide, decideUncharged } from './decide.ts';
import type { Decision, Delivery, Outcome, Uncharged } from './decision.ts';
import { evolve, newHistory, type DeliveryState, type History } from './history.ts';
import type { Policy } from './policy.ts';
import { retryAfterMs } from './retry-after.ts';

const start = new Date('2026-01-01T12:00:00Z');
const HOUR_MS = 3_600_000;

const retryAfter = fc.option(
  fc.oneof(
    fc.nat(200_000).map(String),
    fc.string(),
    fc.date({ min: new Date('2025-01-01'), max: new Date('2028-01-01'), noInvalidDate: true }).map((date) => date.toUTCString()),
  ),
  { nil: undefined },
);
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delivered' as const), status: fc.integer({ min: 200, max: 299 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('failed' as const), reason: fc.constant('ssrf_blocked' as const) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('failed' as const), reason: fc.constant('status' as const), status: fc.integer({ min: 400, max: 599 }), retryAfter }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('failed' as const), reason: fc.constantFrom('timeout', 'refused', 'reset', 'dns_error', 'tls_error' as const) }) },
);
/** What befalls a delivery: an outcome, at which lateness, and whether it was a probe. */
const turn = fc.record({ outcome, jitter: fc.double({ min: 0, max: 1, noNaN: true }), lateMs: fc.nat(HOUR_MS), probe: fc.boolean() });
const policy: fc.Arbitrary<Policy> = fc.record({
  scheduleMs: fc.array(fc.integer({ min: 1, max: 48 * HOUR_MS }), { maxLength: 8 }),
  maxAgeMs: fc.integer({ min: HOUR_MS, max: 168 * HOUR_MS }),
  maxRetryAfterMs: fc.constant(24 * HOUR_MS),
});

type Step = { delivery: Delivery; outcome: Outcome; now: Date; decision: Decision | Uncharged };

/** Lives a delivery to its end, over turns that repeat for ever. A parked one is tried again an hour later. */
const live = (turns: { outcome: Outcome; jitter: number; lateMs: number; probe: boolean }[], rules: Policy): Step[] => {
  const steps: Step[] = [];
  let delivery: Delivery = { eventId: 'evt_1', endpointId: 'ep_1', deliveryId: 'dlv_1', tenant: 'acme', attempt: 1, acceptedAt: start };
  let now = start;
  // no path may be longer: one step an attempt, and one an hour while uncharged
  const stepsMax = rules.scheduleMs.length + 1 + rules.maxAgeMs / HOUR_MS + 1;
  for (let i = 0; i <= stepsMax; i += 1) {
    const { outcome: result, jitter, lateMs, probe } = turns[i % turns.length] as (typeof turns)[number];
    const decision = probe ? decideUncharged(delivery, result, rules, 'circuit_open', now, 1, 'x') : decide(delivery, result, rules, now, jitter, 1, 'x');
    steps.push({ delivery, outcome: result, now, decision });
    if (decision.next.go === 'nowhere' || decision.next.go === 'dead') return steps;
    const dueAt = decision.next.go === 'retry' ? decision.next.at : new Date(now.getTime() + HOUR_MS);
    if (decision.next.go === 'retry') delivery = { ...delivery, attempt: decision.next.attempt };
    now = new Date(dueAt.getTime() + lateMs);
  }
  return steps;
};

const lives = (check: (steps: Step[], rules: Policy) => void): void => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 12 }), policy, (turns, rules) => check(live(turns, rules), rules)),
    { numRuns: 500 },
  );
};
const factsOf = (steps: Step[]): Fact[] => steps.flatMap(({ decision }) => decision.facts);
const isEnd = (fact: Fact): boolean => ['attempt.succeeded', 'delivery.dead', 'delivery.expired'].includes(fact.type);
const attemptOf = (fact: Fact): number[] => (fact.type === 'attempt.failed' || fact.type === 'attempt.succeeded' ? [fact.attempt] : []);

describe('whatever befalls a delivery', () => {
  it('ends, and says so once and last', () => {
    lives((steps) => {
      const facts = factsOf(steps);
      expect(facts.filter(isEnd)).toHaveLength(1);
      expect(facts.findIndex(isEnd)).toBe(facts.length - 1);
    });
  });

  it('numbers its attempts from 1, never lower than before, at most one more than its schedule', () => {
    lives((steps, rules) => {
      const attempts = factsOf(steps).flatMap(attemptOf);
      expect(attempts[0]).toBe(1);
      expect(attempts).toEqual(attempts.toSorted((a, b) => a - b));
      expect(attempts.at(-1)).toBeLessThanOrEqual(rules.scheduleMs.length + 1);
    });
  });

  it('comes back no sooner than the schedule and the receiver asked, and no later than its age', () => {
    lives((steps, rules) => {
      for (const { delivery, outcome: result, now, decision } of steps) {
        if (decision.next.go !== 'retry' || result.kind === 'delivered') continue;
        const asks = result.status === 429 || result.status === 503;
        const askedMs = (asks ? retryAfterMs(result.retryAfter, now) : undefined) ?? 0;
        const waitMs = decision.next.at.getTime() - now.getTime();
        expect(waitMs).toBeGreaterThanOrEqual(Math.max(askedMs, rules.scheduleMs[delivery.attempt - 1] ?? Infinity));
        expect(decision.next.at.getTime() - delivery.acceptedAt.getTime()).toBeLessThanOrEqual(rules.maxAgeMs);
        expect(decision.facts[0]).toMatchObject({ next: 'retry', nextAt: decision.next.at.toISOString() });
      }
    });
  });

  it('ends the same in its history', () => {
    lives((steps) => {
      const { state, late, attempts } = factsOf(steps).reduce(evolve, newHistory);
      const last = steps.at(-1)?.decision;
      const end = last?.facts.at(-1)?.type;
      expect(state).toBe(end === 'attempt.succeeded' ? 'delivered' : end === 'delivery.dead' ? 'dead' : 'expired');
      expect({ late, attempts }).toEqual({ late: 0, attempts: steps.at(-1)?.delivery.attempt });
    });
  });
});

const ends: DeliveryState[] = ['delivered', 'dead', 'expired'];
const open: DeliveryState[] = ['pending', 'retrying', 'parked'];
const mayFollow: Record<DeliveryState, DeliveryState[]> = {
  pending: [...open, ...ends],
  retrying: [...open, ...ends],
  parked: [...open, ...ends],
  dead: ['dead', 'delivered'],
  expired: ['expired', 'delivered'],
  delivered: ['delivered'],
};

it('the first success wins over whatever is told, in whatever order and however often', () => {
  const facts = fc.tuple(fc.array(turn, { minLength: 1, maxLength: 6 }), policy).map(([turns, rules]) => factsOf(live(turns, rules)));
  fc.assert(
    fc.property(
      // two lives of one delivery, as after a crash, and their facts in any order
      fc.tuple(facts, facts).chain(([one, other]) => fc.shuffledSubarray([...one, ...other], { minLength: one.length + other.length })),
      (shuffled) => {
        const told = shuffled.reduce<History[]>((before, fact) => [...before, evolve(before.at(-1) ?? newHistory, fact)], [newHistory]);
        for (const [i, history] of told.slice(1).entries()) {
          const before = told[i] as History;
          expect(history.attempts).toBeGreaterThanOrEqual(before.attempts);
          expect(mayFollow[before.state]).toContain(history.state);
        }
        expect(told.at(-1)?.state === 'delivered').toBe(shuffled.some((fact) => fact.type === 'attempt.succeeded'));
      },
    ),
    { numRuns: 300 },
  );
});
