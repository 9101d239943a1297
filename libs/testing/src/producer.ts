import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** An event as its producer has it: the `id` makes sending it again the same event. */
export type ToSend = { id: string; tenant: string; type: string; /** JSON text, sent as it stands. */ data: string };

export type Answered = { status: number; headers: Record<string, string | string[] | undefined>; body: string };

/** What became of one request: an answer, or how it failed. Ended with the milliseconds it took. */
export type Tried = { event: ToSend; answer?: Answered; error?: string; tookMs: number };

export type ProducerOptions = {
  /** Ingest's address. */
  url: string;
  key: string;
  events: readonly ToSend[];
  /** Each has one request under way at most. */
  connections?: number;
  /** Events begun per second; as fast as the connections go, unless said. Sending again is not counted. */
  ratePerSecond?: number;
  /** So many at a time go to `/v1/events/batch`; each event of them has an answer of its own. One by one, unless said. */
  batchOf?: number;
  /** Told of every event that was sent. */
  onTried: (tried: Tried) => void;
  /** All have to be answered by then. */
  withinMs?: number;
  /** Whether this answer is one that the producer is content with: 202 unless said. */
  content?: (answer: Answered) => boolean;
};

/** Above every deadline of ingest's own: a request that takes this long hangs. */
const REQUEST_TIMEOUT_MS = 20_000;
const BEFORE_AGAIN_MS = 50;

/** Sends every event again until it is accepted, over several kept connections: what a producer does who may not lose one. */
export const sendUntilAnswered = async (options: ProducerOptions): Promise<void> => {
  const { url, events, connections = 32, ratePerSecond = Infinity, withinMs = 120_000, batchOf = 1 } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const target = new URL(batchOf > 1 ? '/v1/events/batch' : '/v1/events', url);
  const startedAt = performance.now();
  const deadline = startedAt + withinMs;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < events.length) {
      const at = next;
      next += batchOf;
      const early = startedAt + (at / ratePerSecond) * 1_000 - performance.now();
      if (early > 1) await pause(early);
      const to = { agent, target, deadline };
      await (batchOf > 1 ? untilAllAnswered(options, { ...to, events: events.slice(at, next) }) : untilAnswered(options, { ...to, event: events[at] as ToSend }));
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, work));
  } finally {
    agent.destroy();
  }
};

type Several = { agent: Agent; target: URL; deadline: number; events: readonly ToSend[] };

const untilAllAnswered = async ({ key, onTried, content = ({ status }) => status === 202 }: ProducerOptions, { agent, target, deadline, events }: Several): Promise<void> => {
  for (let left = events; left.length > 0; ) {
    const tried = await sendBatchOnce({ agent, target, key, events: left });
    for (const one of tried) onTried(one);
    left = tried.filter(({ answer }) => !answer || !content(answer)).map(({ event }) => event);
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new Error(`${left.length} events of a batch were not answered in time; last: ${tried[0]?.answer?.status ?? tried[0]?.error}`);
    await pause(BEFORE_AGAIN_MS);
  }
};

type BatchAnswer = { results: ({ status: number } & Record<string, unknown>)[] };

/** @returns what became of each event: its own answer, or that of the whole batch */
const sendBatchOnce = async ({ agent, target, key, events }: Omit<Several, 'deadline'> & { key: string }): Promise<Tried[]> => {
  const { answer, error, tookMs } = await post({ agent, target, key, body: `[${events.map(bodyOf).join(',')}]` });
  const results = answer && answer.status < 300 ? (JSON.parse(answer.body) as BatchAnswer).results : undefined;
  return events.map((event, i): Tried => {
    const result = results?.[i];
    if (answer && result) return { event, tookMs, answer: { status: result.status, headers: answer.headers, body: JSON.stringify(result) } };
    return { event, tookMs, ...(answer && { answer }), ...(error !== undefined && { error }) };
  });
};

type One = { agent: Agent; target: URL; deadline: number; event: ToSend };

const untilAnswered = async ({ key, onTried, content = ({ status }) => status === 202 }: ProducerOptions, { agent, target, deadline, event }: One): Promise<void> => {
  for (;;) {
    const tried = await sendOnce({ agent, target, key, event });
    onTried(tried);
    if (tried.answer && content(tried.answer)) return;
    if (performance.now() > deadline) throw new Error(`${event.id} was not answered in time; last: ${tried.answer?.status ?? tried.error} ${tried.answer?.body ?? ''}`);
    await pause(BEFORE_AGAIN_MS);
  }
};

const sendOnce = async ({ agent, target, key, event }: Omit<One, 'deadline'> & { key: string }): Promise<Tried> => ({ event, ...(await post({ agent, target, key, body: bodyOf(event) })) });

/** @returns also when it fails: a refused connection is an answer of a kind */
const post = ({ agent, target, key, body }: { agent: Agent; target: URL; key: string; body: string }): Promise<Omit<Tried, 'event'>> => {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const end = (result: { answer: Answered } | { error: string }): void => resolve({ ...result, tookMs: performance.now() - startedAt });
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(target, { method: 'POST', agent, headers, timeout: REQUEST_TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('error', (error) => end({ error: error.message }));
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => end({ answer: { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') } }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`)));
    sent.on('error', (error) => end({ error: (error as NodeJS.ErrnoException).code ?? error.message }));
    sent.end(body);
  });
};

const bodyOf = ({ id, tenant, type, data }: ToSend): string => `{"tenant":"${tenant}","type":"${type}","id":"${id}","data":${data}}`;
