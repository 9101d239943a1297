import { deliveryId, eventHeaders, header, readEvent, UnreadableMessage, type EventMeta, type Fact } from '@spillway/contracts';
import type { EndpointRegistry } from '@spillway/endpoints';
import { PublishRefused, Stopped, type Pager, type Publisher, type Remover } from '@spillway/jetstream';
import { subject } from '@spillway/topology';
import type { Job } from '../jobs/job.ts';
import type { DeadLetters, DeadSlice, Found } from './dead-letters.ts';

export type ReplayOptions = {
  letters: DeadLetters;
  registry: Pick<EndpointRegistry, 'get' | 'state'>;
  ingest: Pick<Publisher, 'persist'>;
  ledger: Pick<Pager, 'record'>;
  remover: Remover;
  now: () => Date;
};

const STREAM = 'WEBHOOK_DEAD';
/** Few enough that a crash repeats little; their ids are known to INGEST for 2 min, and to dedupe for longer. */
const AT_ONCE = 100;
/** INGEST, or the tenant's part of it, is full: looked at again so often. The record says so meanwhile. */
const FULL_AGAIN_MS = 1_000;

type Ended = 'replayed' | 'skipped' | 'full';

/** Works one job on dead letters, slice by slice: back to INGEST as deliveries of their own, told to the ledger, and only then gone from WEBHOOK_DEAD. */
export class Replay {
  constructor(private readonly options: ReplayOptions) {}

  readonly slice = async (job: Job, mayAct: () => boolean): Promise<Job | 'stop'> => {
    const read = await this.meant(job);
    const ends = await Promise.all(read.found.map((found) => this.replay(found, job, mayAct)));
    if (ends.includes('stop')) return 'stop';
    const full = ends.includes('full');
    if (full) await new Promise((resolve) => setTimeout(resolve, FULL_AGAIN_MS));
    return this.after(job, read, ends as Ended[], full);
  };

  private async meant({ filters, letter, next, upTo }: Job): Promise<DeadSlice> {
    if (next > upTo) return { found: [], next, ended: true, looked: 0 };
    const read = await this.options.letters.slice(filters, next, letter === undefined ? AT_ONCE : 1);
    const found = read.found.filter(({ message, letter: { id } }) => message.sequence <= upTo && (letter === undefined || letter === id));
    return { ...read, found, ended: read.ended || read.next > upTo };
  }

  /** What found no room is read again by the next slice; what was replayed is gone by then, and counted now. */
  private after(job: Job, { found, next, ended, looked }: DeadSlice, ends: readonly Ended[], full: boolean): Job {
    const count = (end: Ended): number => ends.filter((one) => one === end).length;
    const { waitsFor: _waited, ...rest } = job;
    const firstLeft = full ? Math.min(...found.filter((__, n) => ends[n] !== 'replayed').map(({ message }) => message.sequence)) : next;
    const before = (n: number): boolean => !full || (found[n] as Found).message.sequence < firstLeft;
    return {
      ...rest,
      state: ended && !full ? 'done' : 'running',
      next: firstLeft,
      counts: {
        looked: job.counts.looked + (full ? count('replayed') : looked),
        meant: job.counts.meant + (full ? count('replayed') : found.length),
        replayed: job.counts.replayed + count('replayed'),
        skipped: job.counts.skipped + ends.filter((end, n) => end === 'skipped' && before(n)).length,
      },
      ...(full ? { waitsFor: 'ingest' as const } : {}),
    };
  }

  private async replay(found: Found, job: Job, mayAct: () => boolean): Promise<Ended | 'stop'> {
    const meta = this.replayable(found);
    if (!meta) return 'skipped';
    if (!mayAct()) return 'stop';
    const { letter, message } = found;
    const at = this.options.now().toISOString();
    // an acceptance of its own: age counts from it, and by its first one an old event would expire at its first failure. The body's timestamp stays
    const headers: [string, string][] = [...eventHeaders({ ...meta, acceptedAt: at, job: job.id }), [header.messageId, `${job.id}:${meta.eventId}:${meta.endpointId ?? ''}`]];
    try {
      await this.options.ingest.persist(subject.ingest('bulk', meta.tenant), headers, message.data, mayAct);
    } catch (error) {
      if (error instanceof Stopped) return 'stop';
      if (error instanceof PublishRefused) return error.kind === 'too_large' ? 'skipped' : 'full';
      throw error;
    }
    await this.options.ledger.record(meta.tenant, factOf(letter.id, meta, job, at));
    await this.options.remover.remove(STREAM, message.sequence);
    return 'replayed';
  }

  private replayable({ message }: Found): EventMeta | undefined {
    if (message.data.length === 0) return undefined;
    try {
      const meta = readEvent(message.headers);
      const record = meta.endpointId === undefined ? undefined : this.options.registry.get(meta.endpointId);
      return record?.state === 'deleted' ? undefined : meta;
    } catch (error) {
      if (error instanceof UnreadableMessage || error instanceof URIError) return undefined;
      throw error;
    }
  }
}

const factOf = (replaces: string, { tenant, eventId: event, endpointId: endpoint }: EventMeta, { id: job, by }: Job, at: string): Fact => {
  const said = { v: 1 as const, at, tenant, event, job, by, app: 'console' };
  if (endpoint === undefined) return { type: 'event.replayed', ...said };
  return { type: 'delivery.replayed', ...said, endpoint, delivery: deliveryId(event, endpoint, job), replaces };
};
