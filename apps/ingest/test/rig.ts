import { once } from 'node:events';
import { connect } from 'node:net';
import { readEvent, type EventMeta, type Fact } from '@spillway/contracts';
import { everythingIn, factsIn, startPlaneBroker, type PlaneBroker, type PlaneBrokerOptions } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Problem, type Serving } from '@spillway/service-kit';
import { ApiContract, type ApiDescription } from '@spillway/testing';
import { readIngest, subject, type IngestLane } from '@spillway/topology';
import { IngestConfig } from '../src/ingest.config.ts';
import { ingest } from '../src/ingest.ts';
import { openApiDocument } from '../src/openapi/document.ts';

export const ADMIN_KEY = 'the-admin-key-of-these-tests';

export type RigOptions = PlaneBrokerOptions & { env?: Record<string, string> };
export type Answer = { status: number; headers: Headers; body: string; problem: Problem & { errors?: { field: string; wanted: string; seen?: string }[] }; id: string; results: Result[]; tookMs: number };
/** Of one event of a batch. */
export type Result = { status: number; id?: string; retryAfterSeconds?: number; problem?: Problem };
export type Stored = { body: string; meta: EventMeta };

/** A real broker with the catalogue on it and an ingest in this process, on free ports. */
export const startRig = async ({ env = {}, ...options }: RigOptions = {}): Promise<Rig> => {
  const plane = await startPlaneBroker(options);
  try {
    return new Rig(plane, await startIngest(plane, env));
  } catch (error) {
    await plane.stop();
    throw error;
  }
};

/** One more ingest, of a configuration of its own. */
export const startIngest = async (plane: PlaneBroker, env: Record<string, string> = {}): Promise<Serving> => {
  const config = loadConfig(IngestConfig, {
    SPILLWAY_PORT_BASE: '0',
    SPILLWAY_ADMIN_KEY: ADMIN_KEY,
    SPILLWAY_LOG_LEVEL: process.env['SPILLWAY_LOG_LEVEL'] ?? 'silent',
    SPILLWAY_WORLDS_FILE: plane.worldsFile,
    NATS_URL: plane.url,
    NATS_MONITOR_URL: plane.monitorUrl,
    // a busy machine syncs in seconds what takes milliseconds; tests of the deadline set their own
    SPILLWAY_ACCEPT_DEADLINE_MS: '40000',
    // nobody routes here, so what waits would soon be taken for a crowd; its own tests say from when on
    SPILLWAY_CROWDED_EVENTS: '0',
    // it is this process
    SPILLWAY_NICE: '0',
    ...env,
  });
  return serve(await ingest(config));
};

export type Body = string | Uint8Array | ReadableStream;

const contract = new ApiContract(openApiDocument() as unknown as ApiDescription);

/** What was sent, and how it was answered: in no way that nobody documented. */
export const post = async (url: string, body: Body, headers: Record<string, string | undefined> = {}, path = '/v1/events'): Promise<Answer> => {
  const all = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json', ...headers };
  const startedAt = performance.now();
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    body: body instanceof ReadableStream ? body : Buffer.from(body), // as bytes: fetch gives a text a content type of its own
    duplex: 'half',
    headers: Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  const fault = contract.fault({ method: 'POST', path }, { status: response.status, headers: Object.fromEntries(response.headers), body: text });
  if (fault !== undefined) throw new Error(`nobody documented ${fault}`);
  const parsed = JSON.parse(text) as Answer['problem'] & { id: string; results: Result[] };
  return { status: response.status, headers: response.headers, body: text, problem: parsed, id: parsed.id, results: parsed.results, tookMs: performance.now() - startedAt };
};

export class Rig {
  constructor(
    readonly plane: PlaneBroker,
    readonly serving: Serving,
  ) {}

  get url(): string {
    return this.serving.url;
  }

  post(body: Body, headers: Record<string, string | undefined> = {}, path?: string): Promise<Answer> {
    return post(this.url, body, headers, path);
  }

  /** Speaks HTTP by hand; gives all that came until the other side hung up. */
  async talk(first: string, goOn?: (write: (text: string) => void) => void): Promise<string> {
    const socket = connect({ port: Number(new URL(this.url).port), host: '127.0.0.1' });
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.on('error', () => undefined); // a reset, once the answer is out, is as good as an end
    socket.write(first);
    goOn?.((text) => socket.write(text));
    await once(socket, 'close');
    return heard;
  }

  /** How many events are on the broker's disk. */
  async count(): Promise<number> {
    return (await everythingIn(this.plane.broker, 'WEBHOOK_INGEST')).length;
  }

  /** How many events of a tenant wait, by lane: those on pages one by one. */
  async waiting(tenant: string): Promise<Partial<Record<IngestLane, number>>> {
    const lanes = (await everythingIn(this.plane.broker, 'WEBHOOK_INGEST')).flatMap(({ subject: of }) => readIngest(of) ?? []).filter((one) => one.tenant === tenant);
    return Object.fromEntries([...Map.groupBy(lanes, ({ lane }) => lane)].map(([lane, all]) => [lane, all.length]));
  }

  /** The newest event of a tenant, as it lies in the lane fresh. */
  async newest(tenant: string): Promise<Stored> {
    return (await this.storedOf(tenant, ['fresh'])).at(-1) as Stored;
  }

  /** All events of a tenant, in the order of the stream. */
  all(tenant: string): Promise<Stored[]> {
    return this.storedOf(tenant, ['fresh', 'bulk', 'ordered']);
  }

  /** All facts of a tenant, likewise. */
  async facts(tenant: string): Promise<Fact[]> {
    return (await factsIn(this.plane.broker)).filter((fact) => fact.tenant === tenant);
  }

  private async storedOf(tenant: string, lanes: readonly IngestLane[]): Promise<Stored[]> {
    const subjects = new Set(lanes.map((lane) => subject.ingest(lane, tenant)));
    const kept = await everythingIn(this.plane.broker, 'WEBHOOK_INGEST');
    return kept.filter((one) => subjects.has(one.subject)).map(({ data, headers }) => ({ body: data, meta: readEvent(headers) }));
  }

  async stop(): Promise<void> {
    await this.serving.stop();
    await this.plane.stop();
  }
}

/** The head of a request with the admin key, up to its body. */
export const headOf = (...more: string[]): string =>
  ['POST /v1/events HTTP/1.1', 'host: x', `authorization: Bearer ${ADMIN_KEY}`, 'content-type: application/json', ...more, '', ''].join('\r\n');
