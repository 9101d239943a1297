import type { Fact } from '@spillway/contracts';
import type { Broker } from '../broker.ts';
import { BrokerRefused } from '../errors.ts';
import { linesSaid, readPage } from '../page.ts';
import { RawHeaders } from '../raw-headers.ts';

/** A message as it lies in a stream, or on a page there. */
export type Kept = { subject: string; headers: RawHeaders; data: string };

type Api = Pick<Broker, 'api'>;
type Wire = { message: { subject: string; data?: string; hdrs?: string } };
/** The server's number for: there is none. */
const NO_MESSAGE = 10_037;

/** In the order of the stream, what stands on pages one by one; what is removed meanwhile is left out. */
export const everythingIn = async (broker: Api, stream: string): Promise<Kept[]> => {
  const { state } = await broker.api<{ state: { first_seq: number; last_seq: number } }>(`STREAM.INFO.${stream}`);
  const kept: Kept[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
    const message = await messageAt(broker, stream, seq);
    if (message) kept.push(...onePerMessage(message));
  }
  return kept;
};

/** Of all pages of the ledger, in their order. */
export const factsIn = async (broker: Api): Promise<Fact[]> =>
  (await everythingIn(broker, 'WEBHOOK_LEDGER')).flatMap(({ data }) => data.split('\n').map((line) => JSON.parse(line) as Fact));

/** The messages of a page; of what is none, itself. */
export const onePerMessage = (kept: Kept): Kept[] => {
  const count = linesSaid(kept.headers);
  const lines = count === undefined ? undefined : readPage(count, Buffer.from(kept.data));
  return lines?.map(({ headers, data }) => ({ subject: kept.subject, headers, data: Buffer.from(data).toString() })) ?? [kept];
};

const messageAt = async (broker: Api, stream: string, seq: number): Promise<Kept | undefined> => {
  try {
    const { message } = await broker.api<Wire>(`STREAM.MSG.GET.${stream}`, { seq });
    return { subject: message.subject, headers: new RawHeaders(Buffer.from(message.hdrs ?? '', 'base64')), data: Buffer.from(message.data ?? '', 'base64').toString() };
  } catch (error) {
    if (error instanceof BrokerRefused && error.errCode === NO_MESSAGE) return undefined;
    throw error;
  }
};
