import type { Command } from 'commander';
import { call } from './api.ts';
import type { Cli } from './cli.ts';
import { bytes, duration, table } from './table.ts';

type Status = {
  streams: { name: string; messages: number; bytes: number; maxBytes: number; oldestMs: number | null }[];
  consumers: { stream: string; name: string; pending: number; inFlight: number; maxInFlight: number }[];
  queues: { stream: string; name: string; waiting: number; lateMs: number; owners: { shard: number; owner: string }[] }[];
  lanes: { name: string; waiting: number; oldestMs: number | null }[];
};

const percent = (part: number, whole: number): string => (whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '-');

const human = ({ streams, consumers, queues, lanes }: Status): string =>
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
  ].join('\n\n');

export const registerStatus = (program: Command, cli: Cli): void => {
  program
    .command('status')
    .description('what waits where: streams, consumers, queues, lanes')
    .action(async () => {
      const status = await call<Status>(cli, 'console', { path: '/v1/status' });
      cli.print(status, () => human(status));
    });
};
