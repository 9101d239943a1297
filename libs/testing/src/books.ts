import type { Received } from './receiver.ts';
import type { ToSend, Tried } from './producer.ts';

/** What came twice: its first and its second arrival, epoch ms. */
export type Repeat = { event: string; endpoint: string; firstAt: number; againAt: number };

/**
 * Which deliveries a fault may repeat, beside those settled within two seconds before it: none (what the process does again is known by its id); those in
 * flight at the moment it struck (the process did nothing afterwards); those of all its length (the broker was away, and the workers went on).
 */
export type Excuses = 'nothing' | 'the moment' | 'all along';

/** A fault that the test made. */
export type Fault = { what: string; atMs: number; /** By when it had struck: a signal is sent, and done a while later. */ struckMs: number; untilMs: number; excuses: Excuses };

export type Totals = {
  /** Events that were to be sent, and requests that it took. */
  attempted: number;
  requests: number;
  /** Events that got their 202. */
  acknowledged: number;
  /** Deliveries that the acknowledged events owe to endpoints. */
  owed: number;
  /** Of those, how many came at least once. */
  delivered: number;
  lost: number;
  duplicates: number;
  /** Duplicates whose first arrival lies near no fault: nothing excuses them. */
  unexplained: number;
  /** Came without being owed: never acknowledged, or at the wrong endpoint. */
  strange: number;
};

/** Targets: "in flight or settled in the last two seconds". */
const SETTLED_WITHIN_MS = 2_000;
/**
 * What arrived here is settled only after its answer went back and the fact about it is on disk: under load on two cores up to a second later.
 * It was "settled in the last two seconds" although it arrived three seconds before.
 */
const SETTLING_MS = 1_000;
/** What was on its way when a process was struck is noted here a little later: the test's own event loop shares the two cores. */
const NOTICED_MS = 300;
/** Of duplicates that nothing excuses, so many are told in full. */
const SHOWN = 12;

/** The books as Jepsen keeps them: what was attempted, acknowledged, delivered, lost, and how often too often. */
export class Books {
  readonly faults: Fault[] = [];
  /** How each request ended: status or error, and how often. */
  readonly answers = new Map<string, number>();
  slowestMs = 0;
  private readonly attempted = new Map<string, ToSend>();
  private readonly acknowledged = new Map<string, ToSend>();
  private readonly arrivals = new Map<string, Map<string, number[]>>();
  private requests = 0;
  private arrivedInAll = 0;

  /** @param owes the endpoints, as the receiver's paths name them, that an event has to reach */
  constructor(private readonly owes: (event: ToSend) => readonly string[]) {}

  /** For `onTried` of the producer. */
  readonly tried = ({ event, answer, error, tookMs }: Tried): void => {
    this.requests += 1;
    this.attempted.set(event.id, event);
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    const how = answer ? String(answer.status) : (error ?? 'no answer');
    this.answers.set(how, (this.answers.get(how) ?? 0) + 1);
    if (answer?.status === 202) this.acknowledged.set((JSON.parse(answer.body) as { id: string }).id, event);
  };

  /** What the test itself wrote into a stream is owed as if it had been acknowledged. @param id as `webhook-id` will say it */
  written(id: string, event: ToSend): void {
    this.attempted.set(id, event);
    this.acknowledged.set(id, event);
  }

  /** For the receiver: an arrival counts from its last byte, answered or not. */
  readonly arrived = ({ url, headers, at }: Pick<Received, 'url' | 'headers' | 'at'>): void => {
    this.arrivedInAll += 1;
    const event = String(headers['webhook-id']);
    const endpoint = url.slice(1);
    const ofEvent = this.arrivals.get(event) ?? new Map<string, number[]>();
    this.arrivals.set(event, ofEvent);
    const times = ofEvent.get(endpoint);
    if (times) times.push(at);
    else ofEvent.set(endpoint, [at]);
  };

  get acknowledgedCount(): number {
    return this.acknowledged.size;
  }

  /** Every arrival, the repeated ones too. */
  get arrivedCount(): number {
    return this.arrivedInAll;
  }

  /** From now until the function that it returns is called. */
  fault(what: string, excuses: Excuses): () => void {
    const now = Date.now();
    const fault = { what, atMs: now, struckMs: now, untilMs: Number.POSITIVE_INFINITY, excuses };
    this.faults.push(fault);
    return () => void (fault.untilMs = Date.now());
  }

  /** The last fault has struck by now: whoever it was stands still, or is gone. On a busy machine that takes a while, and nothing is noted meanwhile. */
  struck(): void {
    const fault = this.faults.at(-1);
    if (fault) fault.struckMs = Date.now();
  }

  /** Owed by acknowledged events and never seen. */
  missing(): { event: string; endpoint: string }[] {
    return [...this.acknowledged].flatMap(([event, sent]) =>
      this.owes(sent)
        .filter((endpoint) => !this.arrivals.get(event)?.has(endpoint))
        .map((endpoint) => ({ event, endpoint })),
    );
  }

  repeats(): Repeat[] {
    return [...this.arrivals].flatMap(([event, endpoints]) =>
      [...endpoints].flatMap(([endpoint, [firstAt = 0, ...again]]) => again.map((againAt) => ({ event, endpoint, firstAt, againAt }))),
    );
  }

  /** Repeats that no fault excuses. */
  unexplained(): Repeat[] {
    return this.repeats().filter((repeat) => !this.faults.some((fault) => isExcused(repeat, fault)));
  }

  /** First arrivals that a fault may repeat: in flight then, or settled within the two seconds before. */
  atRisk(fault: Fault): number {
    let count = 0;
    for (const endpoints of this.arrivals.values()) for (const [firstAt = 0] of endpoints.values()) if (lies(firstAt, fault)) count += 1;
    return count;
  }

  /** From the end of the fault to the next first arrival: how long the plane stood still afterwards. `undefined` when nothing came any more. */
  resumedAfterMs({ untilMs }: Fault): number | undefined {
    let soonest = Number.POSITIVE_INFINITY;
    for (const endpoints of this.arrivals.values()) for (const [firstAt = 0] of endpoints.values()) if (firstAt >= untilMs) soonest = Math.min(soonest, firstAt);
    return Number.isFinite(soonest) ? soonest - untilMs : undefined;
  }

  /** The longest time without a first arrival at an endpoint, the ends included. */
  longestSilenceMs(endpoint: string, fromMs: number, untilMs: number): number {
    const times = [...this.arrivals.values()].flatMap((endpoints) => endpoints.get(endpoint)?.[0] ?? []).filter((at) => at >= fromMs && at <= untilMs);
    const edges = [fromMs, ...times.toSorted((a, b) => a - b), untilMs];
    return Math.max(...edges.slice(1).map((at, i) => at - (edges[i] as number)));
  }

  totals(): Totals {
    const owed = [...this.acknowledged.values()].reduce((sum, event) => sum + this.owes(event).length, 0);
    const lost = this.missing().length;
    const repeats = this.repeats();
    return {
      attempted: this.attempted.size,
      requests: this.requests,
      acknowledged: this.acknowledged.size,
      owed,
      delivered: owed - lost,
      lost,
      duplicates: repeats.length,
      unexplained: this.unexplained().length,
      strange: this.strange(),
    };
  }

  /** The books as a table, one fault a line below. */
  print(title: string): string {
    const repeats = this.repeats();
    const answers = [...this.answers].map(([how, count]) => `${how} × ${count}`).join(', ');
    const faults = this.faults.map((fault) => {
      const seen = repeats.filter(({ firstAt, againAt }) => lies(firstAt, fault) && againAt >= fault.atMs).length;
      const resumed = this.resumedAfterMs(fault);
      const risk = fault.excuses === 'nothing' ? ' (none excused)' : `, in flight or just settled ${this.atRisk(fault)}`;
      return `  ${fault.what}: struck after ${fault.struckMs - fault.atMs} ms, away ${fault.untilMs - fault.atMs} ms, next arrival ${resumed === undefined ? 'none' : `${resumed} ms`} later, duplicates ${seen}${risk}`;
    });
    const totals = Object.entries(this.totals()).map(([name, count]) => `  ${name.padEnd(14)}${String(count).padStart(8)}`);
    const strangest = this.unexplained().slice(0, SHOWN).map((repeat) => `  not excused: ${this.story(repeat)}`);
    return [`books of ${title}`, ...totals, `  answers: ${answers}; the slowest took ${Math.round(this.slowestMs)} ms`, ...faults, ...strangest].join('\n');
  }

  /** When it came, by the faults before. */
  private story({ event, endpoint, firstAt, againAt }: Repeat): string {
    const since = this.faults.map(({ what, atMs }) => `${what} ${signed(firstAt - atMs)} ms`);
    return `${event} at ${endpoint}, again after ${againAt - firstAt} ms; first came at ${since.join(', ')}`;
  }

  private strange(): number {
    let count = 0;
    for (const [event, endpoints] of this.arrivals) {
      const sent = this.acknowledged.get(event);
      const owed = sent ? this.owes(sent) : [];
      for (const endpoint of endpoints.keys()) if (!owed.includes(endpoint)) count += 1;
    }
    return count;
  }
}

const signed = (ms: number): string => (ms < 0 ? String(ms) : `+${ms}`);

/** In flight during the fault, or just settled before it. */
const lies = (firstAt: number, { atMs, struckMs, untilMs, excuses }: Fault): boolean => {
  const last = excuses === 'all along' ? untilMs : struckMs + NOTICED_MS;
  return firstAt >= atMs - SETTLED_WITHIN_MS - SETTLING_MS && firstAt <= last;
};

const isExcused = ({ firstAt, againAt }: Repeat, fault: Fault): boolean => fault.excuses !== 'nothing' && againAt >= fault.atMs && lies(firstAt, fault);
