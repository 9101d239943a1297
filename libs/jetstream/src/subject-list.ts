import type { Broker } from './broker.ts';

type StreamInfo = {
  ts: string;
  total?: number;
  limit?: number;
  config: { num_replicas: number };
  state: { subjects?: Record<string, number> | null };
};

export type SubjectList = {
  /** Messages by subject. */
  counts: Map<string, number>;
  replicas: number;
  /** The broker's clock when it answered, ms since 1970. */
  brokerNowMs: number;
};

/** Which subjects of a stream hold messages, and how many, from the leader. 9 ms for 6 k subjects, 135 ms per 100 k: never in a hot path. */
export const listSubjects = async (broker: Broker, stream: string, filter: string): Promise<SubjectList> => {
  const counts = new Map<string, number>();
  for (;;) {
    // the server pages at 100,000 subjects
    const info = await broker.api<StreamInfo>(`STREAM.INFO.${stream}`, { subjects_filter: filter, offset: counts.size });
    const page = Object.entries(info.state.subjects ?? {});
    for (const [subject, count] of page) counts.set(subject, count);
    if (page.length === 0 || counts.size >= (info.total ?? 0)) return { counts, replicas: info.config.num_replicas, brokerNowMs: Date.parse(info.ts) };
  }
};
