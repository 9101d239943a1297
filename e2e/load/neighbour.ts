import type { Plane, Totals } from '@spillway/testing';
import { TalkingProcess } from './talking-process.ts';

export type NeighbourOptions = { name: string; events: number; perSecond: number };
/** `answers`: how often each status, or error, was the answer. `acceptedToReceivedMs`: of each event, in order of size. */
export type NeighbourReport = { totals: Totals; answers: Record<string, number>; acceptedToReceivedMs: number[] };

const TENANT = 'neighbour';

/** A tenant with one endpoint that sends at its even pace whatever others do, in a process of its own. */
export class Neighbour {
  private constructor(private readonly process: TalkingProcess) {}

  static async at(plane: Plane): Promise<Neighbour> {
    const process = new TalkingProcess('the neighbour', 'neighbour-process.ts', { url: plane.app('ingest').url, key: plane.adminKey, tenant: TENANT });
    try {
      const { receiver } = await process.next<{ receiver: string }>();
      await plane.createEndpoint(TENANT, { url: `${receiver}/${TENANT}` });
      return new Neighbour(process);
    } catch (error) {
      process.kill();
      throw error;
    }
  }

  /** Resolves when all of it has arrived, or a minute after the last was accepted. */
  async send(options: NeighbourOptions): Promise<NeighbourReport> {
    this.process.tell(JSON.stringify(options));
    return this.process.next();
  }

  stop(): Promise<void> {
    return this.process.end();
  }
}

const percentile = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

/** A line for the printout. */
export const besides = (quiet: NeighbourReport, loud: NeighbourReport): string => {
  const [quietP99, loudP99] = [percentile(quiet.acceptedToReceivedMs, 0.99), percentile(loud.acceptedToReceivedMs, 0.99)];
  const [quietP50, loudP50] = [percentile(quiet.acceptedToReceivedMs, 0.5), percentile(loud.acceptedToReceivedMs, 0.5)];
  return `accepted to received p50 / p99: ${quietP50} / ${quietP99} ms when quiet, ${loudP50} / ${loudP99} ms beside it (p99 ${(loudP99 / Math.max(1, quietP99)).toFixed(1)} ×)`;
};
