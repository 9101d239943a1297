import type { BucketName } from '@spillway/topology';
import type { Broker } from './broker.ts';
import { BrokerAway, BrokerRefused, PublishRefused, RevisionConflict } from './errors.ts';
import { asMsgHdrs, encodeHeaders } from './raw-headers.ts';

export type Entry = { value: string; revision: number };

type StoredEntry = { message: { data?: string; seq: number; hdrs?: string } };
type WriteAck = { seq?: number; error?: { code: number; err_code?: number; description?: string } };

const NO_SUCH_MESSAGE = 10037;
const WRONG_LAST_SEQUENCE = 10071;
const WRITE_TIMEOUT_MS = 5_000;

const isRemoval = ({ hdrs }: StoredEntry['message']): boolean => hdrs !== undefined && /KV-Operation: (DEL|PURGE)/.test(Buffer.from(hdrs, 'base64').toString('utf8'));

/** The keys of a bucket, one by one: read at the leader, and written by revisions. Remembers nothing. */
export class BucketKeys {
  constructor(
    private readonly broker: Broker,
    readonly bucket: BucketName,
  ) {}

  /** From the leader, past every cache and follower: for what is concluded from an absence. */
  async read(key: string): Promise<Entry | undefined> {
    const message = await this.lastMessage(key);
    return message === undefined || isRemoval(message) ? undefined : { value: Buffer.from(message.data ?? '', 'base64').toString('utf8'), revision: message.seq };
  }

  /** @returns the revision. @throws RevisionConflict when the key exists; PublishRefused when the bucket is full */
  async create(key: string, value: string): Promise<number> {
    try {
      return await this.write(key, value, 0);
    } catch (error) {
      const removed = error instanceof RevisionConflict ? await this.revisionIfRemoved(key) : undefined;
      if (removed === undefined) throw error;
      return this.write(key, value, removed);
    }
  }

  /** @throws RevisionConflict when it was changed since `revision`; PublishRefused when the bucket is full */
  update(key: string, value: string, revision: number): Promise<number> {
    return this.write(key, value, revision);
  }

  put(key: string, value: string): Promise<number> {
    return this.write(key, value);
  }

  /** @returns the revision of the removal. @throws RevisionConflict when it was changed since `revision`, if one is given */
  remove(key: string, revision?: number): Promise<number> {
    return this.write(key, '', revision, 'DEL');
  }

  subjectOf(key: string): string {
    return `$KV.${this.bucket}.${key}`;
  }

  private async write(key: string, value: string, expected?: number, operation?: 'DEL'): Promise<number> {
    const headers: [string, string][] = [];
    if (expected !== undefined) headers.push(['Nats-Expected-Last-Subject-Sequence', String(expected)]);
    if (operation !== undefined) headers.push(['KV-Operation', operation]);
    const what = `a change of ${this.bucket} ${key}`;
    if (!this.broker.connected) throw new BrokerAway(what);
    const encoded = asMsgHdrs(encodeHeaders(headers));
    const answer = await this.broker.replies.ask(what, WRITE_TIMEOUT_MS, (reply) => this.broker.nc.publish(this.subjectOf(key), Buffer.from(value), { reply, headers: encoded }));
    const ack = answer.json<WriteAck>();
    if (ack.error?.err_code === WRONG_LAST_SEQUENCE) throw new RevisionConflict(this.bucket, key);
    if (ack.error) throw new PublishRefused(`KV_${this.bucket}`, key, ack.error.err_code ?? ack.error.code, ack.error.description ?? 'no description');
    return ack.seq ?? 0;
  }

  /** A removed key leaves a marker behind, and creating it again is an update of that. */
  private async revisionIfRemoved(key: string): Promise<number | undefined> {
    const message = await this.lastMessage(key);
    return message !== undefined && isRemoval(message) ? message.seq : undefined;
  }

  private async lastMessage(key: string): Promise<StoredEntry['message'] | undefined> {
    try {
      return (await this.broker.api<StoredEntry>(`STREAM.MSG.GET.KV_${this.bucket}`, { last_by_subj: this.subjectOf(key) })).message;
    } catch (error) {
      if (error instanceof BrokerRefused && error.errCode === NO_SUCH_MESSAGE) return undefined;
      throw error;
    }
  }
}
