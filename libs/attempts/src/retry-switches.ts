import { readSwitch, SWITCH_PREFIX, switchKey, type RetrySwitch } from '@spillway/contracts';
import { WatchedBucket, type Broker, type BucketState } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import { Rate } from './rate.ts';

type Held = { value: RetrySwitch; rate: Rate | undefined };
type Of = { tenant: string; endpointId: string };

/** Of a process that owns nothing yet: of what is said for all it may do next to nothing. */
const SHARE_MIN = 1 / 64;

/** Suspended and throttled retries, from a watch: looked at before each later attempt. First attempts never look at it. */
export class RetrySwitches {
  private readonly held = new Map<string, Held>();
  private readonly listeners: ((resumed: boolean) => void)[] = [];
  private share = SHARE_MIN;

  private constructor(
    private readonly bucket: WatchedBucket,
    private readonly log: Logger,
  ) {
    bucket.onChange((key, entry) => {
      if (key.startsWith(SWITCH_PREFIX)) this.take(key, entry?.value);
    });
  }

  static async open(broker: Broker, { log, pin }: { log: Logger; pin?: string | undefined }): Promise<RetrySwitches> {
    return new RetrySwitches(await WatchedBucket.open(broker, 'webhook_control', { log, pin }), log);
  }

  get state(): BucketState {
    return this.bucket.state;
  }

  /** Told after each change; `resumed`: something that stood still may go on. */
  onChange(listener: (resumed: boolean) => void): void {
    this.listeners.push(listener);
  }

  get allSuspended(): boolean {
    return this.held.get(switchKey({}))?.value.suspended !== undefined;
  }

  suspended(of: Of): boolean {
    return this.scopesOf(of).some((key) => this.held.get(key)?.value.suspended !== undefined);
  }

  /** True when every throttle that applies allows one more, which is counted then. @param wasPromised it was read because of a promise; nobody else may use those */
  mayBegin(of: Of, nowMs: number, wasPromised: boolean): boolean {
    const rates = this.ratesOf(of);
    if (rates.some((rate) => (wasPromised ? rate.available(nowMs) : rate.unpromised(nowMs)) === 0)) return false;
    for (const rate of rates) rate.take(nowMs);
    return true;
  }

  /** How many of `wanted` may be read to be begun, by the throttles that apply: promised to them for a moment, so that many subjects do not read for the same place. */
  promise(of: Of, wanted: number, nowMs: number): number {
    const rates = this.ratesOf(of);
    const promised = Math.min(wanted, ...rates.map((rate) => rate.unpromised(nowMs)));
    for (const rate of rates) rate.promise(promised, nowMs);
    return promised;
  }

  /** Of what is said for all or for a tenant, this process's part: its shards among all. They come and go while a throttle holds. */
  owns(share: number, nowMs: number): void {
    const wanted = Math.max(share, SHARE_MIN);
    if (wanted === this.share) return;
    this.share = wanted;
    for (const [key, held] of this.held) if (!isOfEndpoint(key) && held.value.throttled) held.rate = held.rate?.resized(this.partOf(key, held.value.throttled.perSecond), nowMs);
  }

  close(): void {
    this.bucket.close();
  }

  private ratesOf(of: Of): Rate[] {
    return this.scopesOf(of).flatMap((key) => this.held.get(key)?.rate ?? []);
  }

  private scopesOf({ tenant, endpointId }: Of): string[] {
    return this.held.size === 0 ? [] : [switchKey({}), switchKey({ tenant }), switchKey({ endpoint: endpointId })];
  }

  private take(key: string, text: string | undefined): void {
    const before = this.held.get(key)?.value;
    const value = text === undefined ? undefined : readSwitch(text);
    if (text !== undefined && value === undefined) this.log.error({ key }, 'a retry switch cannot be read, and is not obeyed');
    if (value?.suspended === undefined && value?.throttled === undefined) this.held.delete(key);
    else this.held.set(key, { value, rate: this.rateOf(key, value.throttled?.perSecond) });
    const resumed = before !== undefined && (value?.suspended === undefined || value.throttled === undefined);
    for (const listener of this.listeners) listener(resumed);
  }

  private rateOf(key: string, perSecond: number | undefined): Rate | undefined {
    return perSecond === undefined ? undefined : new Rate(this.partOf(key, perSecond));
  }

  /** An endpoint has one home; what is said for more is divided among the owners. */
  private partOf(key: string, perSecond: number): number {
    return Math.max(perSecond * (isOfEndpoint(key) ? 1 : this.share), 0.01);
  }
}

const isOfEndpoint = (key: string): boolean => key.startsWith(`${SWITCH_PREFIX}endpoint.`);
