import { withoutBody, type Fact } from '@spillway/contracts';
import { subject } from '@spillway/topology';
import { backOff } from './backoff.ts';
import type { Broker } from './broker.ts';
import { isFull, Stopped } from './errors.ts';
import { Lingering, type Linger } from './linger.ts';
import { Publisher } from './publisher.ts';

/** A page is one message; with its headers it stays well under the broker's max_payload. */
const MAX_PAGE_BYTES = 256 * 1024;
/** Of a page that is one line: its headers, and those of a batch. */
const BESIDE_LINE_BYTES = 1_024;
const ROUNDS_IN_FLIGHT = 2;

type Line = { text: string; resolve: () => void; reject: (error: Error) => void };

/**
 * Writes facts to WEBHOOK_LEDGER: what a process settles for one tenant in one go is one message of JSON lines (a quarter more events/s than a message a
 * fact, measured). No `Nats-Msg-Id`: readers are idempotent by key. Repeats until stored, also while the broker's storage is full: a fact that was handed over is
 * written or the process dies, and then what it tells of was not removed yet. Were it given up, an attempt would be made again for the want of its fact.
 */
export class Pager {
  private readonly publisher: Publisher;
  private readonly waiting = new Map<string, Line[]>();
  private stopped = false;
  private lines = 0;
  /** Of those, in no round yet. */
  private untaken = 0;
  private untakenLength = 0;
  private readonly lingering: Lingering;
  private flying = 0;
  private poked = false;

  constructor(
    private readonly broker: Broker,
    linger?: Linger,
  ) {
    this.publisher = new Publisher(broker, 'WEBHOOK_LEDGER');
    this.lingering = new Lingering(linger, () => this.poke());
  }

  /** Facts handed over and not stored yet: who hands over more should look at this first. */
  get unwritten(): number {
    return this.lines;
  }

  /** Resolves when it is on disk. Rejects with Stopped after `close`, and with PublishRefused for what no broker will ever take. */
  record(tenant: string, fact: Fact): Promise<void> {
    return new Promise((resolve, reject) => {
      const line = { text: this.textOf(fact), resolve, reject };
      const lines = this.waiting.get(tenant);
      if (lines) lines.push(line);
      else this.waiting.set(tenant, [line]);
      this.lines += 1;
      this.untaken += 1;
      this.untakenLength += line.text.length;
      this.poke();
    });
  }

  /** Gives up what cannot be written now; call it when the process has settled all it can. */
  close(): void {
    this.stopped = true;
  }

  /** An event's body, as a JSON string, may be twice its size. Where it does not fit the fact says so: what happened is told whatever the size of the event. */
  private textOf(fact: Fact): string {
    const text = JSON.stringify(fact);
    const bytesMax = (this.broker.nc.info?.max_payload ?? MAX_PAGE_BYTES) - BESIDE_LINE_BYTES;
    // a character is three bytes of UTF-8 at the most: hardly ever counted
    return text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax ? text : JSON.stringify(withoutBody(fact));
  }

  private poke(): void {
    if (this.poked || this.waiting.size === 0 || this.flying >= ROUNDS_IN_FLIGHT || this.lingering.holds(this.untaken, this.untakenLength >= MAX_PAGE_BYTES)) return;
    this.poked = true;
    setImmediate(() => {
      this.poked = false;
      if (this.flying < ROUNDS_IN_FLIGHT) void this.writeRound();
      this.poke();
    });
  }

  private async writeRound(): Promise<void> {
    this.flying += 1;
    this.lingering.taken();
    await Promise.all([...this.waiting.keys()].map((tenant) => this.writePage(tenant)));
    this.flying -= 1;
    this.poke();
  }

  private async writePage(tenant: string): Promise<void> {
    const page = this.takePage(tenant);
    try {
      await this.persist(tenant, Buffer.from(page.map(({ text }) => text).join('\n')));
      for (const line of page) line.resolve();
    } catch (error) {
      for (const line of page) line.reject(error as Error);
    } finally {
      this.lines -= page.length;
    }
  }

  private async persist(tenant: string, page: Uint8Array): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      try {
        await this.publisher.persist(subject.ledger(tenant), [], page, () => !this.stopped);
        return;
      } catch (error) {
        if (!isFull(error)) throw error;
        await backOff(failures);
        if (this.stopped) throw new Stopped(`writing facts of ${tenant}`);
      }
    }
  }

  private takePage(tenant: string): Line[] {
    const lines = this.waiting.get(tenant) ?? [];
    let bytes = 0;
    let count = 0;
    while (count < lines.length && (count === 0 || bytes + (lines[count] as Line).text.length < MAX_PAGE_BYTES)) bytes += (lines[count++] as Line).text.length;
    const page = lines.splice(0, count);
    this.untaken -= page.length;
    for (const { text } of page) this.untakenLength -= text.length;
    if (lines.length === 0) this.waiting.delete(tenant);
    return page;
  }
}
