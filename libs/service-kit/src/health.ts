import { Injectable } from '@nestjs/common';

export type CheckResult = { ok: boolean; detail?: unknown };
export type Probe = () => CheckResult;
export type HealthSnapshot = { ok: boolean; checks: Record<string, CheckResult> };

/** What `/readyz` says. A probe reads what is known already; it never goes and asks, or a slow broker would make a slow answer. */
@Injectable()
export class Health {
  private readonly probes = new Map<string, Probe>();

  /** @throws when the name is taken: the earlier probe would be silenced */
  check(name: string, probe: Probe): void {
    if (this.probes.has(name)) throw new Error(`health check ${name} exists already`);
    this.probes.set(name, probe);
  }

  snapshot(): HealthSnapshot {
    const checks = Object.fromEntries([...this.probes].map(([name, probe]) => [name, probed(probe)]));
    return { ok: Object.values(checks).every(({ ok }) => ok), checks };
  }
}

const probed = (probe: Probe): CheckResult => {
  try {
    return probe();
  } catch (error) {
    return { ok: false, detail: String(error) };
  }
};
