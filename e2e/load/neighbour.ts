import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { repositoryRoot, type Plane, type Totals } from '@spillway/testing';

export type NeighbourOptions = { name: string; events: number; perSecond: number };
/** `answers`: how often each status, or error, was the answer. `acceptedToReceivedMs`: of each event, in order of size. */
export type NeighbourReport = { totals: Totals; answers: Record<string, number>; acceptedToReceivedMs: number[] };

const TENANT = 'neighbour';

/** A tenant with one endpoint that sends at its even pace whatever others do, in a process of its own. */
export class Neighbour {
  private readonly lines: AsyncIterator<string>;

  private constructor(private readonly child: ChildProcess) {
    this.lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  static async at(plane: Plane): Promise<Neighbour> {
    const hook = pathToFileURL(join(repositoryRoot(), 'tools', 'swc-hook.mjs')).href;
    const options = JSON.stringify({ url: plane.app('ingest').url, key: plane.adminKey, tenant: TENANT });
    const args = ['--conditions=@spillway/source', '--import', hook, join(import.meta.dirname, 'neighbour-process.ts'), options];
    const neighbour = new Neighbour(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    try {
      const { receiver } = await neighbour.next<{ receiver: string }>();
      await plane.createEndpoint(TENANT, { url: `${receiver}/${TENANT}` });
      return neighbour;
    } catch (error) {
      neighbour.child.kill();
      throw error;
    }
  }

  /** Resolves when all of it has arrived, or a minute after the last was accepted. */
  async send(options: NeighbourOptions): Promise<NeighbourReport> {
    this.child.stdin?.write(`${JSON.stringify(options)}\n`);
    return this.next();
  }

  async stop(): Promise<void> {
    this.child.stdin?.end();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }

  private async next<T>(): Promise<T> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error('the neighbour’s process has ended');
    return JSON.parse(value) as T;
  }
}

const percentile = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

/** A line for the printout. */
export const besides = (quiet: NeighbourReport, loud: NeighbourReport): string => {
  const [quietP99, loudP99] = [percentile(quiet.acceptedToReceivedMs, 0.99), percentile(loud.acceptedToReceivedMs, 0.99)];
  const [quietP50, loudP50] = [percentile(quiet.acceptedToReceivedMs, 0.5), percentile(loud.acceptedToReceivedMs, 0.5)];
  return `accepted to received p50 / p99: ${quietP50} / ${quietP99} ms when quiet, ${loudP50} / ${loudP99} ms beside it (p99 ${(loudP99 / Math.max(1, quietP99)).toFixed(1)} ×)`;
};
