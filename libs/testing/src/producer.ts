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
  /** Told of every request. */
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
  const { url, events, connections = 32, ratePerSecond = Infinity, withinMs = 120_000 } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const target = new URL('/v1/events', url);
  const startedAt = performance.now();
  const deadline = startedAt + withinMs;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < events.length; at = next++) {
      const early = startedAt + (at / ratePerSecond) * 1_000 - performance.now();
      if (early > 1) await pause(early);
      await untilAnswered(options, { agent, target, deadline, event: events[at] as ToSend });
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, work));
  } finally {
    agent.destroy();
  }
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

/** @returns also when it fails: a refused connection is an answer of a kind */
export const sendOnce = ({ agent, target, key, event }: Omit<One, 'deadline'> & { key: string }): Promise<Tried> => {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const end = (result: { answer: Answered } | { error: string }): void => resolve({ event, ...result, tookMs: performance.now() - startedAt });
    const body = bodyOf(event);
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
