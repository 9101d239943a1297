import type { Plane, Totals } from '@spillway/testing';
import { TalkingProcess } from './talking-process.ts';

export type FloodOptions = { url: string; key: string; tenant: string; /** Events, each sent `times` times. */ unique: number; times: number; withinMs: number };
/** `text`: the books, for people. */
export type FloodReport = { totals: Totals; text: string };

type Said = { accepted: number; arrived: number } | { sent: true } | FloodReport;

/** The same events many times over in random order, from a producer with one receiver, in a process of its own. */
export class Flood {
  /** So many of what was sent got their 202. */
  accepted = 0;
  /** So many deliveries have come. */
  arrived = 0;
  private ended: Error | undefined;
  private answered: { resolve: (said: unknown) => void; reject: (error: Error) => void } | undefined;

  private constructor(private readonly process: TalkingProcess) {}

  static async at(plane: Plane, options: Pick<FloodOptions, 'tenant' | 'unique' | 'times' | 'withinMs'>): Promise<Flood> {
    const process = new TalkingProcess('the flood', 'flood-process.ts', { ...options, url: plane.app('ingest').url, key: plane.adminKey } satisfies FloodOptions);
    try {
      const { receiver } = await process.next<{ receiver: string }>();
      await plane.createEndpoint(options.tenant, { url: `${receiver}/${options.tenant}` });
      const flood = new Flood(process);
      void flood.listen();
      return flood;
    } catch (error) {
      process.kill();
      throw error;
    }
  }

  /** Resolves when each event of that part is accepted. @param from share of all, 0 to 1 */
  async send(from: number, to: number): Promise<void> {
    await this.ask({ from, to });
  }

  /** From now until the function that it returns is called; it excuses nothing. */
  fault(what: string): () => void {
    this.process.tell(JSON.stringify({ fault: what }));
    return () => this.process.tell(JSON.stringify({ fault: null }));
  }

  report(title: string): Promise<FloodReport> {
    return this.ask({ report: title });
  }

  stop(): Promise<void> {
    return this.process.end();
  }

  private ask<T>(what: object): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.ended) return reject(this.ended);
      this.answered = { resolve: resolve as (said: unknown) => void, reject };
      this.process.tell(JSON.stringify(what));
    });
  }

  private async listen(): Promise<void> {
    try {
      for (;;) {
        const said = await this.process.next<Said>();
        if ('accepted' in said) Object.assign(this, said);
        else this.answered?.resolve(said);
      }
    } catch (error) {
      this.ended = error as Error;
      this.answered?.reject(this.ended);
    }
  }
}
