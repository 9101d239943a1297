import { DEDUPE_INDEX_KEY, type DedupeIndexStatus } from '@spillway/contracts';
import type { WatchedBucket } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import type { DedupeIndex } from './dedupe-index.ts';

/** Also mends what could not be said, or what another replica said of itself. */
const COMPARE_EVERY_MS = 5_000;
/** At a start the bucket is complete within a second or so, and until then what the process before us said of its index stands. */
const LOOK_AT_START_EVERY_MS = 50;

const same = (a: DedupeIndexStatus, b: DedupeIndexStatus | undefined): boolean =>
  a.index === b?.index && a.state === b.state && a.why === b.why && a.windowSeconds === b.windowSeconds && a.contentRules === b.contentRules;

const parse = (text: string | undefined): DedupeIndexStatus | undefined => {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as DedupeIndexStatus);
  } catch {
    return undefined; // then it is said anew
  }
};

/** Says in `webhook_control` what the index is and how it is: who takes rules by content must know whether they have an effect, and status pages show it. */
export class IndexStatus {
  private readonly comparing: NodeJS.Timeout;
  private readonly starting: NodeJS.Timeout;

  constructor(
    private readonly index: DedupeIndex,
    private readonly bucket: Pick<WatchedBucket, 'get' | 'put' | 'state'>,
    private readonly log: Pick<Logger, 'warn'>,
    compareEveryMs = COMPARE_EVERY_MS,
  ) {
    this.comparing = setInterval(() => void this.say(), compareEveryMs).unref();
    this.starting = setInterval(() => this.sayFirst(), LOOK_AT_START_EVERY_MS).unref();
  }

  get current(): DedupeIndexStatus {
    const { name, state, windowMs, keepsContent } = this.index;
    return { index: name, state: state.ok ? 'ok' : 'degraded', ...(state.fault && { why: state.fault }), windowSeconds: windowMs / 1_000, contentRules: keepsContent, at: new Date().toISOString() };
  }

  async say(): Promise<void> {
    const { current } = this;
    if (!this.bucket.state.ready || same(current, parse(this.bucket.get(DEDUPE_INDEX_KEY)?.value))) return;
    try {
      await this.bucket.put(DEDUPE_INDEX_KEY, JSON.stringify(current));
    } catch (error) {
      this.log.warn({ err: error }, 'the state of the dedupe index could not be written, and is written later');
    }
  }

  private sayFirst(): void {
    if (!this.bucket.state.ready) return;
    clearInterval(this.starting);
    void this.say();
  }

  close(): void {
    clearInterval(this.starting);
    clearInterval(this.comparing);
  }
}
