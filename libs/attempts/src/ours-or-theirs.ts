import type { FailureKind } from '@spillway/contracts';

/** What our own DNS or network would make of every endpoint. An answer with a status, however bad, came through: that fault is theirs. */
const couldBeOurs: ReadonlySet<FailureKind> = new Set(['timeout', 'refused', 'reset', 'dns_error', 'tls_error', 'protocol_error']);

export type OursRules = { windowMs: number; endpointsMin: number; shareMin: number };
/** *Many*: over half of those attempted in a minute, at least 20. */
export const oursRules: OursRules = { windowMs: 60_000, endpointsMin: 20, shareMin: 0.5 };

const ENDPOINTS_MAX = 50_000;

type Last = { at: number; kind: FailureKind | undefined };

/** When many endpoints fail alike at once, the fault is ours: attempts are not charged and nobody is disabled. */
export class OursOrTheirs {
  /** The newest outcome of each endpoint, the oldest first. */
  private readonly last = new Map<string, Last>();
  private readonly failing = new Map<FailureKind, number>();

  constructor(private readonly rules: OursRules = oursRules) {}

  /** @returns the kind of failure that so many endpoints share now that it is ours; the outcome given included */
  note(endpointId: string, kind: FailureKind | undefined, nowMs: number): FailureKind | undefined {
    this.forget(endpointId);
    this.last.set(endpointId, { at: nowMs, kind });
    if (kind !== undefined) this.failing.set(kind, (this.failing.get(kind) ?? 0) + 1);
    this.forgetOld(nowMs);
    return kind !== undefined && this.isOurs(kind) ? kind : undefined;
  }

  private isOurs(kind: FailureKind): boolean {
    const alike = this.failing.get(kind) ?? 0;
    return couldBeOurs.has(kind) && alike >= this.rules.endpointsMin && alike > this.last.size * this.rules.shareMin;
  }

  private forgetOld(nowMs: number): void {
    for (const [endpointId, { at }] of this.last) {
      if (nowMs - at <= this.rules.windowMs && this.last.size <= ENDPOINTS_MAX) return;
      this.forget(endpointId);
    }
  }

  private forget(endpointId: string): void {
    const known = this.last.get(endpointId);
    if (!known) return;
    this.last.delete(endpointId);
    if (known.kind !== undefined) this.failing.set(known.kind, (this.failing.get(known.kind) ?? 1) - 1);
  }
}
