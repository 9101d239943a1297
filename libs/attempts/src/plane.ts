import { deliveryHeaders, header, type DeliveryMeta, type Fact } from '@spillway/contracts';
import { faultOf, nextMeta, whenDeadRefuses, whenParkedRefuses, whenRetryRefuses, giveUp, type Decision, type Delivery, type EndpointVerdict, type Policy, type Uncharged } from '@spillway/delivery';
import { BULK_LINGER, buryUnread, Pager, Publisher, PublishRefused, Stopped, type Broker, type DeadInPipeline, type WaitingMessage } from '@spillway/jetstream';
import { isBulkDelivery, readParked, shardOf, subject, type StreamName } from '@spillway/topology';
import { Nudges } from './nudges.ts';
import { ParkedFacts } from './parked-facts.ts';

/** Nothing follows, not even a removal: it is read again where it waits. */
type Stays = { next: { go: 'stays'; untilTold?: boolean }; facts: []; endpoint?: undefined };
/** The head of an ordered endpoint, attempted in vain: it stays where it is until its next attempt. */
export type Waits = { next: { go: 'waits'; attempt: number; at: Date }; facts: Fact[]; endpoint?: EndpointVerdict };
export type Step = Decision | Uncharged | Stays | Waits;
type Move = Exclude<Step['next'], { go: 'nowhere' | 'stays' | 'waits' }>;
/** Which stream refused it first. */
type Overflow = 'retry_overflow' | 'parked_overflow';
const STREAM_OF = { retry: 'WEBHOOK_RETRY', parked: 'WEBHOOK_PARKED', dead: 'WEBHOOK_DEAD' } as const satisfies Record<Move['go'], StreamName>;
const count = (counts: Map<string, number>, of: string): void => void counts.set(of, (counts.get(of) ?? 0) + 1);

/** Why deliveries of an ordered endpoint are parked that came by their turn. */
export const ORDERED = 'ordered';

/** The shard went to somebody else while this was being settled: who has it now decides. */
export class NoLongerOurs extends Error {
  readonly code = 'SPILLWAY_NO_LONGER_OURS';

  constructor(origin: string) {
    super(`${origin} belongs to another owner now`);
  }
}

/** What a settling needs beside the message: whose delivery, and how to decide on when a stream refuses it. */
export type Settled = { from: WaitingMessage; meta: DeliveryMeta; delivery: Delivery; policy: Policy; app: string; now: () => Date; jitter: () => number; /** Of a dead letter, for people; by default its last failure. */ detail?: string };

/** Where deliveries go when they leave: RETRY, PARKED, DEAD; and the ledger that says so. */
export class Plane {
  readonly ledger: Pager;
  /** Of what comes from DELIVERY in bulk; not of what was parked on its way: of an ordered endpoint that is one after the other, and each would wait for company. */
  private readonly bulkLedger: Pager;
  private isAlone = false;
  private readonly parkedFacts: ParkedFacts;
  private readonly nudges: Nudges;
  /** How many were parked, by reason. */
  readonly parkings = new Map<string, number>();
  /** How many deliveries a full stream refused, by stream. */
  readonly refusals = new Map<string, number>();
  /** How many were given up, by `<reason> <kept>`. */
  readonly deadLetters = new Map<string, number>();
  private readonly retry: Publisher;
  private readonly parked: Publisher;
  private readonly dead: Publisher;

  constructor(broker: Broker, app: string, now: () => Date) {
    this.ledger = new Pager(broker);
    this.bulkLedger = new Pager(broker, { ...BULK_LINGER, isAlone: () => this.isAlone });
    this.parkedFacts = new ParkedFacts(app, (tenant, fact) => this.ledger.record(tenant, fact), now);
    this.nudges = new Nudges((parkedOn) => nudge(broker, parkedOn));
    this.retry = new Publisher(broker, 'WEBHOOK_RETRY');
    this.parked = new Publisher(broker, 'WEBHOOK_PARKED');
    this.dead = new Publisher(broker, 'WEBHOOK_DEAD');
  }

  /**
   * Puts it where it goes next. A refusal is an answer, and the next best place is tried; anything else is repeated until it is known.
   * @returns the step as it was really taken, with the facts that tell so
   * @throws NoLongerOurs
   */
  async move(step: Step, settled: Settled): Promise<Step> {
    let overflow: Overflow = 'retry_overflow';
    for (let taken = step; ; ) {
      const { next } = taken;
      if (next.go === 'nowhere' || next.go === 'stays' || next.go === 'waits') return taken;
      const refusal = await this.put(next, settled, taken);
      this.ended(next, refusal === undefined);
      if (!refusal) return taken;
      if (next.go === 'parked') overflow = 'parked_overflow';
      taken = this.afterRefusal(taken, next, settled, overflow);
    }
  }

  /** Resolves when what happened is on disk. */
  async record({ next, facts }: Step, { from, meta, delivery }: Settled): Promise<void> {
    const ledger = isBulkDelivery(from.subject) ? this.bulkLedger : this.ledger;
    if (next.go !== 'parked' && facts.length === 1) return ledger.record(meta.tenant, facts[0] as Fact);
    const written = facts.map((fact) => ledger.record(meta.tenant, fact));
    if (next.go === 'parked') written.push(this.parkedFacts.add(meta.tenant, meta.endpointId, delivery.deliveryId, next.reason));
    await Promise.all(written);
  }

  /** Kept whole, with what was wrong with it, for whoever can read it. */
  bury(from: WaitingMessage, why: DeadInPipeline): Promise<void> {
    return buryUnread(this.dead, from, why);
  }

  /** A suspect is worked, and nothing beside it: nothing waits for company. */
  workAlone(isAlone: boolean): void {
    this.isAlone = isAlone;
  }

  close(): void {
    this.nudges.close();
    this.ledger.close();
    this.bulkLedger.close();
  }

  /** @returns the refusal, if it was refused */
  private async put(next: Move, settled: Settled, { facts }: Step): Promise<PublishRefused | undefined> {
    const { from, detail } = settled;
    const [publisher, to, moved] = this.destination(next, settled);
    try {
      await this.persistOwned(publisher, from, to, [...deliveryHeaders(moved), ...(next.go === 'dead' ? detailOf(detail ?? lastFailure(facts)) : []), [header.messageId, from.origin]]);
      if (next.go === 'parked') this.parkedOne(next.reason, to);
      return undefined;
    } catch (error) {
      if (error instanceof PublishRefused) return error;
      throw error;
    }
  }

  private destination(next: Move, { meta, app }: Settled): [Publisher, string, DeliveryMeta] {
    const shard = shardOf(meta.endpointId);
    switch (next.go) {
      case 'retry':
        return [this.retry, subject.retryAt(shard, next.at), nextMeta(meta, next)];
      case 'parked':
        return [this.parked, subject.parked(meta.attempt === 1 ? 'first' : 'later', shard, meta.endpointId), { ...meta, dueAt: undefined }];
      case 'dead':
        return [this.dead, faultOf(next.reason) === 'pipeline' ? subject.dead.pipeline(app) : subject.dead.endpoint(meta.tenant), nextMeta(meta, next)];
    }
  }

  private parkedOne(reason: string, to: string): void {
    count(this.parkings, reason);
    this.nudges.came(to);
  }

  private ended(next: Move, kept: boolean): void {
    if (next.go === 'dead') count(this.deadLetters, `${next.reason} ${kept}`);
    if (!kept) count(this.refusals, STREAM_OF[next.go]);
  }

  /** Repeats the publication, never the attempt; and looks before each time whether it is still ours to move. */
  private async persistOwned(publisher: Publisher, from: WaitingMessage, to: string, headers: [string, string][]): Promise<void> {
    if (!from.owned()) throw new NoLongerOurs(from.origin);
    try {
      await publisher.persist(to, headers, from.data, () => from.owned());
    } catch (error) {
      throw error instanceof Stopped ? new NoLongerOurs(from.origin) : error;
    }
  }

  private afterRefusal(taken: Step, refused: Move, { delivery, policy, app, now, jitter }: Settled, overflow: Overflow): Step {
    const said = { now: now(), app };
    switch (refused.go) {
      case 'parked':
        // the calendar would break the order: a gap, and it is said
        return refused.reason === ORDERED ? giveUp(delivery, 'parked_overflow', said) : whenParkedRefuses(delivery, taken as Uncharged, policy, jitter(), said);
      case 'retry':
        return whenRetryRefuses(delivery, taken as Decision, said, overflow);
      case 'dead':
        return whenDeadRefuses(taken as Decision);
    }
  }
}

const nudge = ({ nc }: Broker, parkedOn: string): void => {
  const parked = readParked(parkedOn);
  if (parked && !nc.isClosed()) nc.publish(subject.nudge(parked.kind, parked.shard), parkedOn);
};

/** What was wrong at the end, for who reads the dead letter: its history is in the ledger. */
const lastFailure = (facts: readonly Fact[]): string | undefined => {
  const failed = facts.find((fact) => fact.type === 'attempt.failed');
  return failed && [failed.kind, failed.status, failed.detail].filter((word) => word !== undefined).join(' ');
};

const detailOf = (detail: string | undefined): [string, string][] => (detail === undefined ? [] : [[header.detail, detail.replace(/[\r\n]+/g, ' ')]]);
