import { Books, eventually, sendUntilAnswered, type Plane, type Receiver, type ToSend, type Tried } from '@spillway/testing';

export type NeighbourOptions = { name: string; events: number; perSecond: number };
export type Neighbour = { books: Books; /** How often each status, or error, was the answer. */ answers: Record<string, number>; /** Of each event, in order of size. */ acceptedToReceivedMs: number[] };

const TENANT = 'neighbour';

/** A tenant that sends at its even pace whatever others do, and what became of its events. Its endpoint is there: `createNeighbour`. */
export const neighbour = async (plane: Plane, receiver: Receiver, { name, events, perSecond }: NeighbourOptions): Promise<Neighbour> => {
  const books = new Books(() => [TENANT]);
  const [acceptedAt, receivedAt] = [new Map<string, number>(), new Map<string, number>()];
  const answers: Record<string, number> = {};
  receiver.handler = (request) => {
    books.arrived(request);
    receivedAt.set(String(request.headers['webhook-id']), request.at);
    return 200;
  };
  const onTried = (tried: Tried): void => {
    books.tried(tried);
    const how = String(tried.answer?.status ?? tried.error);
    answers[how] = (answers[how] ?? 0) + 1;
    if (tried.answer?.status === 202) acceptedAt.set((JSON.parse(tried.answer.body) as { id: string }).id, Date.now());
  };
  const toSend = Array.from({ length: events }, (_, i): ToSend => ({ id: `${name}-${i}`, tenant: TENANT, type: 'a', data: `{"n":${i},"pad":"${'x'.repeat(900)}"}` }));
  await sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events: toSend, connections: 16, ratePerSecond: perSecond, onTried });
  await eventually(() => {
    const { length } = books.missing();
    if (length > 0) throw new Error(`${length} of the neighbour's events have not arrived`);
  }, 60_000);
  // it may be there before its 202 is
  const acceptedToReceivedMs = [...acceptedAt].map(([id, at]) => Math.max(0, (receivedAt.get(id) ?? at) - at)).toSorted((a, b) => a - b);
  return { books, answers, acceptedToReceivedMs };
};

export const createNeighbour = (plane: Plane, receiver: Receiver): Promise<unknown> => plane.createEndpoint(TENANT, { url: `${receiver.url}/${TENANT}` });

const percentile = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

/** A line for the printout. */
export const besides = (quiet: Neighbour, loud: Neighbour): string => {
  const [quietP99, loudP99] = [percentile(quiet.acceptedToReceivedMs, 0.99), percentile(loud.acceptedToReceivedMs, 0.99)];
  const [quietP50, loudP50] = [percentile(quiet.acceptedToReceivedMs, 0.5), percentile(loud.acceptedToReceivedMs, 0.5)];
  return `accepted to received p50 / p99: ${quietP50} / ${quietP99} ms when quiet, ${loudP50} / ${loudP99} ms beside it (p99 ${(loudP99 / Math.max(1, quietP99)).toFixed(1)} ×)`;
};
