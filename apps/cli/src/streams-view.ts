import { viewPlane, type PlaneView, type StreamView } from '@spillway/jetstream';
import { brokerSettings, withBroker } from './broker-session.ts';
import type { Cli } from './cli.ts';
import { bytes, duration, table } from './table.ts';

const percent = (part: number, whole: number): string => (whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '-');

export const streamTable = (streams: readonly StreamView[]): string =>
  table(
    ['STREAM', 'MESSAGES', 'SUBJECTS', 'BYTES', 'OF', 'FULL', 'OLDEST', 'SET BY COMMAND'],
    streams.map(({ name, messages, subjects, maxBytes, oldestMs, overrides, ...stream }) => [
      name,
      messages,
      subjects,
      bytes(stream.bytes),
      bytes(maxBytes),
      percent(stream.bytes, maxBytes),
      duration(oldestMs),
      [overrides.maxBytes === undefined ? [] : ['bytes'], overrides.maxMessagesPerSubject === undefined ? [] : ['share']].flat().join(', '),
    ]),
  );

const human = ({ streams, consumers, queues, missing }: PlaneView): string =>
  [
    streamTable(streams),
    table(
      ['CONSUMER', 'STREAM', 'PENDING', 'IN FLIGHT', 'OF', 'OLDEST', ''],
      consumers.map(({ name, stream, pending, inFlight, maxInFlight, oldestMs, paused }) => [name, stream, pending, inFlight, maxInFlight, duration(oldestMs), paused ? 'paused' : '']),
    ),
    table(
      ['QUEUE', 'STREAM', 'WAITING', 'SUBJECTS', 'LATE'],
      queues.map(({ name, stream, waiting, subjects, lateMs }) => [name, stream, waiting, subjects, duration(lateMs)]),
    ),
    ...(missing.length === 0 ? [] : [`not on this broker: ${missing.join(', ')} (spillway provision makes them)`]),
  ].join('\n\n');

export const runStreams = async (cli: Cli): Promise<void> => {
  const view = await withBroker(cli, brokerSettings(cli), viewPlane);
  cli.print(view, () => human(view));
};
