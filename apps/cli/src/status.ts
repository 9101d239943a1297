import type { Command } from 'commander';
import { call } from './api.ts';
import type { Cli } from './cli.ts';
import { bytes, duration, table } from './table.ts';

type Status = {
  streams: { name: string; messages: number; bytes: number; maxBytes: number; oldestMs: number | null }[];
  consumers: { stream: string; name: string; pending: number; inFlight: number; maxInFlight: number }[];
  queues: { stream: string; name: string; waiting: number; lateMs: number; owners: { shard: number; owner: string }[] }[];
  lanes: { name: string; waiting: number; oldestMs: number | null }[];
  /** null: no dedupe has ever run. */
  dedupe: { index: string; state: string; why?: string; windowSeconds: number; contentRules: boolean } | null;
};

const percent = (part: number, whole: number): string => (whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '-');

/** Without Redis it is minutes, and rules by content have no effect: nobody should have to guess which of the two runs. */
const dedupeRow = (dedupe: Status['dedupe']): string[] =>
  dedupe ? [dedupe.index, [dedupe.state, ...(dedupe.why ? [dedupe.why] : [])].join(': '), duration(dedupe.windowSeconds * 1_000), dedupe.contentRules ? 'yes' : 'no'] : ['-', '-', '-', '-'];

const human = ({ streams, consumers, queues, lanes, dedupe }: Status): string =>
  [
    table(
      ['STREAM', 'MESSAGES', 'BYTES', 'OF', 'FULL', 'OLDEST'],
      streams.map((stream) => [stream.name, stream.messages, bytes(stream.bytes), bytes(stream.maxBytes), percent(stream.bytes, stream.maxBytes), duration(stream.oldestMs)]),
    ),
    table(
      ['CONSUMER', 'STREAM', 'PENDING', 'IN FLIGHT', 'OF'],
      consumers.map((consumer) => [consumer.name, consumer.stream, consumer.pending, consumer.inFlight, consumer.maxInFlight]),
    ),
    table(
      ['QUEUE', 'STREAM', 'WAITING', 'LATE', 'OWNERS'],
      queues.map((queue) => [queue.name, queue.stream, queue.waiting, duration(queue.lateMs), new Set(queue.owners.map(({ owner }) => owner)).size]),
    ),
    table(
      ['LANE', 'WAITING', 'OLDEST'],
      lanes.map((lane) => [lane.name, lane.waiting, duration(lane.oldestMs)]),
    ),
    table(['DEDUPE BY', 'STATE', 'REMEMBERS IDS', 'RULES BY CONTENT'], [dedupeRow(dedupe)]),
  ].join('\n\n');

export const registerStatus = (program: Command, cli: Cli): void => {
  program
    .command('status')
    .description('what waits where: streams, consumers, queues, lanes; what dedupe goes by')
    .action(async () => {
      const status = await call<Status>(cli, 'console', { path: '/v1/status' });
      cli.print(status, () => human(status));
    });
};
