import type { Fact } from '@spillway/contracts';
import { Stopped, type Pager } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';

/** How long an answer waits for its facts. The registry is the truth about endpoints, so a ledger that does not answer must not make the console unusable. */
const WAIT_MS = 2_000;

/** Tells the ledger what was changed. The pager repeats until it is stored; a caller waits for that only as long as a person would. */
export class FactLog {
  constructor(
    private readonly pager: Pick<Pager, 'record'>,
    private readonly log: Logger,
    private readonly waitMs = WAIT_MS,
  ) {}

  async tell(tenant: string, facts: readonly Fact[]): Promise<void> {
    if (facts.length === 0) return;
    const written = Promise.all(facts.map((fact) => this.pager.record(tenant, fact))).then(
      () => true,
      (error: unknown) => this.lost(tenant, facts, error),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.waitMs);
    });
    if (!(await Promise.race([written, late]))) this.log.warn({ tenant, facts: facts.map(({ type }) => type) }, 'the ledger does not answer: answered before the facts are stored');
    clearTimeout(timer);
  }

  private lost(tenant: string, facts: readonly Fact[], error: unknown): boolean {
    this.log.error({ err: error, tenant, facts }, error instanceof Stopped ? 'stopped before these facts were stored' : 'these facts could not be stored');
    return true;
  }
}
