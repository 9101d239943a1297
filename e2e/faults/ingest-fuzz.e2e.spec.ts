import { readFileSync } from 'node:fs';
import { DirectGet } from '@spillway/jetstream';
import { onePerMessage } from '@spillway/jetstream/testing';
import { ApiContract, seeded, type PlaneProcess, type SeenAnswer } from '@spillway/testing';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';
import { heldBytes, INSPECTED } from '../fuzz/collected-heap.ts';
import { valid } from '../fuzz/corpus.ts';
import { Exchange } from '../fuzz/exchange.ts';
import { mutated } from '../fuzz/mutations.ts';
import { written, type Written } from '../fuzz/written.ts';

/** 75 s on two busy cores; fewer where that is too long. */
const REQUESTS = Number(process.env['SPILLWAY_FUZZ'] ?? 100_000);
/** Many wait for a timeout, with a request that has no end. */
const CONNECTIONS = 192;
const REQUEST_TIMEOUT_MS = 1_500;
const FAULTS_SHOWN_MAX = 20;
/** What is seen first leaves something behind for good: code that was compiled, series of metrics, tenants. A leak of 50 bytes a request is 4.6 MB in the rest. */
const WARM_UP = 8_000;
const HELD_GROWTH_MAX_BYTES = 4 * 2 ** 20;
/** Freed pages go back to the system late, and the largest bodies are 5 MB. */
const RSS_GROWTH_MAX_BYTES = 96 * 2 ** 20;

type Memory = { held: number; rss: number };
const memoryOf = async (process: PlaneProcess): Promise<Memory> => ({
  held: await heldBytes(process),
  rss: Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${process.pid}/status`, 'latin1'))?.[1]) * 1_024,
});
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** Ids that were answered with 202, or stored: how often each. */
class Counted {
  readonly times = new Map<string, number>();
  all = 0;

  add(id: string): void {
    this.all += 1;
    this.times.set(id, (this.times.get(id) ?? 0) + 1);
  }
}

const acceptedIn = ({ status, body }: SeenAnswer): string[] => {
  if (status !== 202 && status !== 207) return [];
  const { id, results = [] } = JSON.parse(body) as { id?: string; results?: { status: number; id: string }[] };
  return id === undefined ? results.filter((result) => result.status === 202).map((result) => result.id) : [id];
};

const storedIds = async ({ broker }: BrokerView): Promise<Counted> => {
  const stored = new Counted();
  const get = new DirectGet(broker, 'WEBHOOK_INGEST');
  for (let fromSequence = 1; ; ) {
    const { messages } = await get.slice({ subject: 'webhook.ingest.>', fromSequence, batch: 1_000, maxBytes: 4 * 2 ** 20 });
    for (const { subject, headers, data } of messages) for (const event of onePerMessage({ subject, headers, data: Buffer.from(data).toString() })) stored.add(event.headers.get('ce-id') ?? '?');
    const last = messages.at(-1);
    if (last === undefined) break;
    fromSequence = last.sequence + 1;
  }
  get.close();
  return stored;
};

/** A server ignores empty lines where a request would begin: they are none (RFC 9112, 2.2). */
const isEmptyLines = ({ bytes }: Written): boolean => bytes.every((byte) => byte === 0x0d || byte === 0x0a);

/** Mutated paths are spelled in many ways, and some requests are none: what any of these may answer is documented for them. */
const EVERYWHERE = ['elsewhere', '/v1/events', '/v1/events/batch'];
const undocumented = (contract: ApiContract, { method, path }: Written, answer: SeenAnswer): string | undefined => {
  const fault = contract.fault({ method, path }, answer);
  const known = fault === undefined || EVERYWHERE.some((other) => contract.fault({ method: method === 'HEAD' ? method : 'POST', path: other }, answer) === undefined);
  return known ? undefined : fault;
};

it(`${REQUESTS} mutated requests: only documented answers, no crash, no growth, and every 202 is stored once`, async () => {
  const random = seeded();
  process.stdout.write(`SPILLWAY_SEED=${random.seed} SPILLWAY_FUZZ=${REQUESTS}\n`);
  const limits = { SPILLWAY_MAX_BYTES_INGEST: '4GiB', SPILLWAY_MAX_MESSAGES_TENANT: '10000000' };
  // without the memory at its door: what it answers with 202 is looked for in the stream
  const env = { ingest: { ...INSPECTED, SPILLWAY_DOOR_IDS: '0', SPILLWAY_REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS), SPILLWAY_TENANT_SHARE: '1', SPILLWAY_ACCEPT_DEADLINE_MS: '60000' } };
  await onPlaneInView({ apps: { console: 0, dedupe: 0, dispatcher: 0 }, limits, env }, async (plane, view) => {
    const ingest = plane.app('ingest');
    const [port, pid, contract] = [Number(new URL(ingest.url).port), ingest.pid, await ApiContract.of(ingest.url)];
    const [accepted, faults, statuses] = [new Counted(), [] as string[], new Map<string, number>()];
    let [begun, unheard] = [0, 0];
    const judge = (request: Written, answers: readonly SeenAnswer[], n: number): void => {
      const said = (what: string): number => faults.push(`#${n} ${request.method} ${request.path.slice(0, 60)}: ${what}: ${JSON.stringify(request.bytes.toString('latin1').slice(0, 400))}`);
      // Node has no answer to CONNECT where nobody tunnels: it hangs up; and as it does, in the end, on an idle connection where nothing but empty lines came
      if (answers.length === 0 && request.method !== 'CONNECT' && !isEmptyLines(request)) said('no answer');
      // a connection that ends with one answer takes those of the requests behind it along, which may be stored all the same: their producer sends them again
      unheard += Math.max(0, request.answers - answers.length);
      for (const answer of answers) {
        statuses.set(String(answer.status), (statuses.get(String(answer.status)) ?? 0) + 1);
        const fault = undocumented(contract, request, answer);
        if (fault !== undefined) said(fault);
        for (const id of acceptedIn(answer)) accepted.add(id);
      }
    };
    const client = async (until: number): Promise<void> => {
      const exchange = new Exchange(port);
      while (begun < until && faults.length < FAULTS_SHOWN_MAX) {
        const n = begun++;
        // each by itself, whatever order they are sent in
        const { next } = seeded(random.seed + n);
        const request = written(mutated(valid(next, plane.adminKey), next), next);
        judge(request, await exchange.ask(request), n);
      }
      exchange.close();
    };
    const send = async (until: number): Promise<Memory> => {
      await Promise.all(Array.from({ length: CONNECTIONS }, () => client(until)));
      return memoryOf(ingest);
    };
    const startedAt = performance.now();
    const warm = await send(Math.min(WARM_UP, REQUESTS / 2));
    const after = await send(REQUESTS);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const told = [...statuses].toSorted(([a], [b]) => a.localeCompare(b)).map(([status, times]) => `${status}: ${times}`).join(', ');
    process.stdout.write(`${seconds} s; ${told}; ${accepted.all} events accepted; held ${mib(warm.held)} -> ${mib(after.held)} MiB, resident ${mib(warm.rss)} -> ${mib(after.rss)} MiB\n`);
    expect(faults).toEqual([]);
    expect(ingest.pid).toBe(pid);
    expect(after.held - warm.held).toBeLessThan(HELD_GROWTH_MAX_BYTES);
    expect(after.rss - warm.rss).toBeLessThan(RSS_GROWTH_MAX_BYTES);
    const stored = await storedIds(view);
    expect([...accepted.times].filter(([id, times]) => (stored.times.get(id) ?? 0) < times)).toEqual([]);
    const untold = [...stored.times].filter(([id, times]) => (accepted.times.get(id) ?? 0) < times);
    process.stdout.write(`${untold.length} ids stored more often than somebody was told; ${unheard} requests without an answer of their own\n`);
    // on a quiet machine none: an answer that a timeout overtook is a 202 that nobody heard
    expect(untold.length).toBeLessThanOrEqual(unheard);
    expect(ingest.logs()).not.toMatch(/"level":"(?:error|fatal)"/);
  });
});
