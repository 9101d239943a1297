import type { Fact, HeaderPairs } from '@spillway/contracts';
import { Broker, BrokerRefused, Publisher, type PubAck } from '@spillway/jetstream';
import { testLog } from '@spillway/jetstream/testing';
import { eventually, onPlane, type Plane, type PlaneOptions } from '@spillway/testing';
import type { BucketName, StreamName } from '@spillway/topology';

type StreamInfo = { state: { messages: number; first_seq: number; last_seq: number; subjects?: Record<string, number> } };
type StoredMessage = { message: { subject: string; seq: number; hdrs?: string; data?: string } };

export type Stored = { subject: string; seq: number; headers: [string, string][]; data: Buffer };

/** Where an event or a delivery may wait. What is settled is swept within a second or two. */
const WAITING_PLACES: readonly StreamName[] = ['WEBHOOK_INGEST', 'WEBHOOK_DELIVERY', 'WEBHOOK_PARKED', 'WEBHOOK_RETRY', 'WEBHOOK_DEAD'];
const NO_SUCH_MESSAGE = 10037;

/** What a test sees of the streams, and does to them, past the apps. */
export class BrokerView {
  private readonly publishers = new Map<StreamName, Publisher>();

  private constructor(readonly broker: Broker) {}

  static async of(plane: Plane): Promise<BrokerView> {
    return new BrokerView(await Broker.connect({ ...plane.nats, name: 'e2e', log: testLog }));
  }

  close(): Promise<void> {
    return this.broker.close();
  }

  async count(stream: StreamName): Promise<number> {
    return (await this.state(stream)).messages;
  }

  /** Of whatever was ever stored there. */
  async lastSequence(stream: StreamName): Promise<number> {
    return (await this.state(stream)).last_seq;
  }

  /** As it is on the server now. */
  async maxBytes(stream: StreamName): Promise<number> {
    return (await this.broker.api<{ config: { max_bytes: number } }>(`STREAM.INFO.${stream}`)).config.max_bytes;
  }

  /** Every fact of a tenant; a page that was stored twice is read twice. */
  async facts(tenant: string): Promise<Fact[]> {
    return (await this.read('WEBHOOK_LEDGER', `webhook.ledger.${tenant}`)).flatMap(({ data }) => data.toString().split('\n').map((line) => JSON.parse(line) as Fact));
  }

  /** How many messages wait where; places with none are left out. */
  async waiting(): Promise<Partial<Record<StreamName, number>>> {
    const counted = await Promise.all(WAITING_PLACES.map(async (stream) => [stream, await this.count(stream)] as const));
    return Object.fromEntries(counted.filter(([, messages]) => messages > 0));
  }

  /** Until nothing waits anywhere: whatever could still come, has come. */
  async settled(timeoutMs = 60_000): Promise<void> {
    await eventually(async () => {
      const waiting = await this.waiting();
      if (Object.keys(waiting).length > 0) throw new Error(`still waiting: ${JSON.stringify(waiting)}`);
    }, timeoutMs);
  }

  /** How many messages of a durable are with a worker. */
  async inFlight(stream: StreamName, durable: string): Promise<number> {
    return (await this.broker.api<{ num_ack_pending: number }>(`CONSUMER.INFO.${stream}.${durable}`)).num_ack_pending;
  }

  /** Until everything that waits for its turn now has been settled and swept, under whatever comes after it. */
  async digested(timeoutMs = 60_000): Promise<void> {
    for (const stream of ['WEBHOOK_INGEST', 'WEBHOOK_DELIVERY'] as const) {
      const { last_seq: last } = await this.state(stream);
      await eventually(async () => {
        const { first_seq: first, messages } = await this.state(stream);
        if (messages > 0 && first <= last) throw new Error(`${stream} still holds ${first} of ${last}`);
      }, timeoutMs);
    }
  }

  async subjects(stream: StreamName, filter = '>'): Promise<Record<string, number>> {
    return (await this.broker.api<StreamInfo>(`STREAM.INFO.${stream}`, { subjects_filter: filter })).state.subjects ?? {};
  }

  /** Everything that lies on a subject, in order. */
  async read(stream: StreamName, subject: string): Promise<Stored[]> {
    const found: Stored[] = [];
    for (let seq = 1; ; seq = (found.at(-1)?.seq ?? 0) + 1) {
      const next = await this.next(stream, subject, seq);
      if (!next) return found;
      found.push(next);
    }
  }

  /** What a key holds, read at the leader. */
  async value(bucket: BucketName, key: string): Promise<string> {
    const { message } = await this.broker.api<StoredMessage>(`STREAM.MSG.GET.KV_${bucket}`, { last_by_subj: `$KV.${bucket}.${key}` });
    return Buffer.from(message.data ?? '', 'base64').toString('utf8');
  }

  /** All of it: what an operator does before a rebuild. */
  async purge(stream: StreamName): Promise<void> {
    await this.broker.api(`STREAM.PURGE.${stream}`);
  }

  publish(stream: StreamName, subject: string, headers: HeaderPairs, data: Uint8Array): Promise<PubAck> {
    const publisher = this.publishers.get(stream) ?? new Publisher(this.broker, stream);
    this.publishers.set(stream, publisher);
    return publisher.publish(subject, headers, data);
  }

  private async state(stream: StreamName): Promise<StreamInfo['state']> {
    return (await this.broker.api<StreamInfo>(`STREAM.INFO.${stream}`)).state;
  }

  private async next(stream: StreamName, subject: string, seq: number): Promise<Stored | undefined> {
    try {
      const { message } = await this.broker.api<StoredMessage>(`STREAM.MSG.GET.${stream}`, { seq, next_by_subj: subject });
      return { subject: message.subject, seq: message.seq, headers: headersOf(message.hdrs), data: Buffer.from(message.data ?? '', 'base64') };
    } catch (error) {
      if (error instanceof BrokerRefused && error.errCode === NO_SUCH_MESSAGE) return undefined;
      throw error;
    }
  }
}

/** `onPlane`, with a connection of the test's own to its broker. */
export const onPlaneInView = <T>(options: PlaneOptions, body: (plane: Plane, view: BrokerView) => Promise<T>): Promise<T> =>
  onPlane(options, async (plane) => {
    const view = await BrokerView.of(plane);
    try {
      return await body(plane, view);
    } finally {
      await view.close(); // an open connection would keep jest from ending
    }
  });

/** `NATS/1.0\r\nname: value\r\n…` */
const headersOf = (encoded = ''): [string, string][] =>
  Buffer.from(encoded, 'base64')
    .toString('utf8')
    .split('\r\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
