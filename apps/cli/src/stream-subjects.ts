import { listSubjects, viewPlane, type StreamView } from '@spillway/jetstream';
import { readRetryAt, type ManagedName } from '@spillway/topology';
import { brokerSettings, withBroker } from './broker-session.ts';
import { CommandFailed, type Cli } from './cli.ts';
import { streamTable } from './streams-view.ts';
import { duration, table } from './table.ts';

type SubjectCount = { subject: string; messages: number; dueAt?: string; overdueMs?: number };
type Shown = { stream: StreamView; subjects: SubjectCount[]; subjectsInAll: number };

export const runShow = async (cli: Cli, name: ManagedName, limit: number): Promise<void> => {
  const shown = await withBroker(cli, brokerSettings(cli), async (broker): Promise<Shown> => {
    const stream = (await viewPlane(broker)).streams.find((it) => it.name === name);
    if (!stream) throw new CommandFailed(`${name} is not on this broker: spillway provision makes it`, { code: 'missing' });
    const { counts, brokerNowMs } = await listSubjects(broker, name, '>');
    return { stream, subjects: ordered(counts, brokerNowMs).slice(0, limit), subjectsInAll: counts.size };
  });
  cli.print(shown, () => human(shown));
};

/** The calendar by time, everything else the fullest first. */
export const ordered = (counts: ReadonlyMap<string, number>, nowMs: number): SubjectCount[] => {
  const rows = [...counts].map(([subject, messages]): SubjectCount => {
    const dueAt = readRetryAt(subject)?.dueAt;
    if (!dueAt) return { subject, messages };
    return { subject, messages, dueAt: dueAt.toISOString(), ...(dueAt.getTime() <= nowMs ? { overdueMs: nowMs - dueAt.getTime() } : {}) };
  });
  return rows.toSorted((a, b) => (a.dueAt && b.dueAt ? a.dueAt.localeCompare(b.dueAt) : b.messages - a.messages) || a.subject.localeCompare(b.subject));
};

const human = ({ stream, subjects, subjectsInAll }: Shown): string => {
  const isCalendar = subjects.some(({ dueAt }) => dueAt !== undefined);
  const rest = subjectsInAll - subjects.length;
  return [
    streamTable([stream]),
    table(['SUBJECT', 'MESSAGES', ...(isCalendar ? ['DUE', 'OVERDUE'] : [])], subjects.map(({ subject, messages, dueAt = '', overdueMs }) => [subject, messages, ...(isCalendar ? [dueAt.slice(0, 19).replace('T', ' '), overdueMs === undefined ? '' : duration(overdueMs)] : [])])),
    ...(rest > 0 ? [`${rest} more subjects: --limit ${subjectsInAll}`] : []),
  ].join('\n\n');
};
