import type { Fact } from '@spillway/contracts';
import { decide, decideUncharged, expire, giveUp } from './decide.ts';
import type { Decision, Delivery, EndpointVerdict, Failure, Outcome, Uncharged } from './decision.ts';
import { defaultPolicy, policyOf } from './policy.ts';

const noon = new Date('2026-01-01T12:00:00Z');
const afterMs = (ms: number): Date => new Date(noon.getTime() + ms);
const first: Delivery = { eventId: 'evt_1', endpointId: 'ep_1', deliveryId: 'dlv_1', tenant: 'acme', attempt: 1, acceptedAt: noon };
const tenth = { ...first, attempt: 10 };
const weekOld = { ...first, acceptedAt: afterMs(-7 * 86_400_000) };

const status = (code: number, retryAfter?: string): Failure => ({ kind: 'failed', reason: 'status', status: code, retryAfter });
const after = (delivery: Delivery, outcome: Outcome, jitter = 0): Decision => decide(delivery, outcome, defaultPolicy, noon, jitter, 12, 'dispatcher');
const probed = (delivery: Delivery, outcome: Outcome): Decision | Uncharged => decideUncharged(delivery, outcome, defaultPolicy, 'circuit_open', noon, 12, 'dispatcher');
const typesOf = (facts: Fact[]): string[] => facts.map((fact) => (fact.type === 'attempt.failed' ? `${fact.type} → ${fact.next}` : fact.type));

const retryIn = (ms: number, attempt = 2) => ({ go: 'retry', at: afterMs(ms), attempt });
const retried = ['attempt.failed → retry'];
const died = ['attempt.failed → dead', 'delivery.dead'];

type Then = { next: object; facts: string[]; endpoint?: EndpointVerdict };
const delivered: Then = { next: { go: 'nowhere' }, facts: ['attempt.succeeded'] };
const again: Then = { next: retryIn(5_000), facts: retried };
const waits = (ms: number, endpointMs = ms): Then => ({ next: retryIn(ms), facts: retried, endpoint: { wait: afterMs(endpointMs) } });
const gone: Then = { next: { go: 'dead', reason: 'gone' }, facts: died, endpoint: { disable: 'gone' } };
const blocked: Then = { next: { go: 'dead', reason: 'ssrf_blocked' }, facts: died, endpoint: { flag: 'ssrf_blocked' } };

describe('the outcome table', () => {
  it.each<[when: string, Outcome, Then]>([
    ['200', { kind: 'delivered', status: 200 }, delivered],
    ['204', { kind: 'delivered', status: 204 }, delivered],
    ['200, then closed in mid-body', { kind: 'delivered', status: 200, flagged: 'body_incomplete' }, delivered],
    ['302', { kind: 'failed', reason: 'redirect_not_followed', status: 302 }, again],
    ['302 with Retry-After', { kind: 'failed', reason: 'redirect_not_followed', status: 302, retryAfter: '90' }, again],
    ['410', status(410), gone],
    ['410 with Retry-After', status(410, '90'), gone],
    ['429', status(429), again],
    ['429, Retry-After 90 s', status(429, '90'), waits(90_000)],
    ['503', status(503), again],
    ['503, Retry-After 90 s', status(503, '90'), waits(90_000)],
    ['503, Retry-After a date', status(503, 'Thu, 01 Jan 2026 12:01:30 GMT'), waits(90_000)],
    ['503, Retry-After under the schedule', status(503, '2'), waits(5_000, 2_000)],
    ['503, Retry-After 1e9 s', status(503, '1000000000'), waits(86_400_000)],
    ['503, Retry-After negative', status(503, '-5'), again],
    ['503, Retry-After past', status(503, 'Wed, 31 Dec 2025 12:00:00 GMT'), again],
    ['503, Retry-After garbage', status(503, 'soon'), again],
    ['500 with Retry-After', status(500, '90'), again],
    ['408', status(408), again],
    ['425', status(425), again],
    ['400', status(400), again],
    ['404', status(404), again],
    ['500', status(500), again],
    ['502', status(502), again],
    ['a timeout', { kind: 'failed', reason: 'timeout' }, again],
    ['a refused connection', { kind: 'failed', reason: 'refused' }, again],
    ['a reset', { kind: 'failed', reason: 'reset' }, again],
    ['a DNS error', { kind: 'failed', reason: 'dns_error' }, again],
    ['a TLS error', { kind: 'failed', reason: 'tls_error' }, again],
    ['a protocol error', { kind: 'failed', reason: 'protocol_error' }, again],
    ['a forbidden address', { kind: 'failed', reason: 'ssrf_blocked' }, blocked],
  ])('given a first attempt, when it ends in %s', (_when, outcome, then) => {
    const { next, facts, endpoint } = after(first, outcome);
    expect({ next, facts: typesOf(facts), endpoint }).toEqual(then);
  });

  it.each<[when: string, Delivery, Outcome, next: object, facts: string[]]>([
    ['the second attempt fails', { ...first, attempt: 2 }, status(500), retryIn(300_000, 3), retried],
    ['the ninth attempt fails', { ...first, attempt: 9 }, status(500), retryIn(86_400_000, 10), retried],
    ['the tenth attempt fails', tenth, status(500), { go: 'dead', reason: 'exhausted' }, died],
    ['the tenth attempt is asked to come later', tenth, status(503, '60'), { go: 'dead', reason: 'exhausted' }, died],
    ['the tenth attempt succeeds', tenth, { kind: 'delivered', status: 200 }, { go: 'nowhere' }, ['attempt.succeeded']],
    ['the next attempt would come too late', weekOld, status(500), { go: 'nowhere' }, ['attempt.failed → expired', 'delivery.expired']],
    ['the next attempt comes just in time', { ...first, acceptedAt: afterMs(5_000 - 7 * 86_400_000) }, status(500), retryIn(5_000), retried],
    ['it is too old and gone', weekOld, status(410), { go: 'dead', reason: 'gone' }, died],
    ['it is too old and delivered', weekOld, { kind: 'delivered', status: 200 }, { go: 'nowhere' }, ['attempt.succeeded']],
  ])('when %s', (_when, delivery, outcome, next, facts) => {
    const decision = after(delivery, outcome);
    expect(decision.next).toEqual(next);
    expect(typesOf(decision.facts)).toEqual(facts);
  });

  it('lets the whole endpoint wait also where this delivery has ended', () => {
    expect(after(tenth, status(503, '60')).endpoint).toEqual({ wait: afterMs(60_000) });
  });

  it('lengthens the wait by up to a fifth, and rounds it up', () => {
    expect(after(first, status(500), 1).next).toEqual(retryIn(6_000));
    expect(after({ ...first, attempt: 2 }, status(500), 0.5).next).toEqual(retryIn(330_000, 3));
    expect(after({ ...first, attempt: 3 }, status(500), 0.123).next).toEqual(retryIn(1_850_000, 4)); // 1,844,280 ms, in a bucket of 10 s
  });

  it('goes by the schedule of the endpoint', () => {
    const once = policyOf({ schedule: [] });
    const twice = policyOf({ schedule: [3] });
    expect(decide(first, status(500), once, noon, 0, 1, 'x').next).toEqual({ go: 'dead', reason: 'exhausted' });
    expect(decide(first, status(500), twice, noon, 0, 1, 'x').next).toEqual(retryIn(3_000));
    expect(policyOf({})).toBe(defaultPolicy);
  });
});

describe('a fact', () => {
  const about = { v: 1, at: noon.toISOString(), tenant: 'acme', event: 'evt_1', endpoint: 'ep_1', delivery: 'dlv_1', app: 'dispatcher', attempt: 1 };

  it('says what happened, to which delivery, where it went and when it is due', () => {
    expect(after(first, { kind: 'failed', reason: 'status', status: 500, detail: 'Internal Server Error' }).facts).toEqual([
      { ...about, type: 'attempt.failed', kind: 'status', status: 500, detail: 'Internal Server Error', durationMs: 12, next: 'retry', nextAt: '2026-01-01T12:00:05.000Z' },
    ]);
    expect(after({ ...first, job: 'job_1' }, { kind: 'delivered', status: 200 }).facts).toEqual([
      { ...about, type: 'attempt.succeeded', job: 'job_1', status: 200, durationMs: 12 },
    ]);
  });

  it('says why and by whose fault a delivery ended', () => {
    expect(after(tenth, status(500)).facts.at(-1)).toEqual({ ...about, attempt: 10, type: 'delivery.dead', reason: 'exhausted', by: 'endpoint', kept: true });
    expect(giveUp(first, 'poison', { now: noon, app: 'dispatcher' }).facts).toEqual([{ ...about, type: 'delivery.dead', reason: 'poison', by: 'pipeline', kept: true }]);
    expect(expire(first, 'endpoint_disabled', { now: noon, app: 'dispatcher' })).toEqual({
      next: { go: 'nowhere' },
      facts: [{ ...about, type: 'delivery.expired', reason: 'endpoint_disabled' }],
    });
  });
});

describe('an attempt that is not charged', () => {
  it('leaves a delivery with the same attempt before it, also when that would have been its last', () => {
    const decision = probed(tenth, status(500));
    expect(decision.next).toEqual({ go: 'parked', reason: 'circuit_open' });
    expect(typesOf(decision.facts)).toEqual(['attempt.failed → parked']);
  });

  it('still hears how long the endpoint wants to be left alone', () => {
    expect(probed(first, status(503, '90')).endpoint).toEqual({ wait: afterMs(90_000) });
  });

  it.each<[Outcome, object]>([
    [{ kind: 'delivered', status: 200 }, { go: 'nowhere' }],
    [status(410), { go: 'dead', reason: 'gone' }],
    [{ kind: 'failed', reason: 'ssrf_blocked' }, { go: 'dead', reason: 'ssrf_blocked' }],
  ])('ends what no further attempt would change: %j', (outcome, next) => {
    expect(probed(first, outcome).next).toEqual(next);
  });

  it('ends a delivery that is too old', () => {
    const decision = probed({ ...weekOld, acceptedAt: afterMs(-7 * 86_400_000 - 1) }, status(500));
    expect(decision.next).toEqual({ go: 'nowhere' });
    expect(typesOf(decision.facts)).toEqual(['attempt.failed → expired', 'delivery.expired']);
  });
});
