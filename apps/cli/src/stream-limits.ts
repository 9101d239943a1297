import { limitStream } from '@spillway/jetstream';
import { streams, type ManagedName, type Overrides, type StreamRow } from '@spillway/topology';
import { brokerSettings, withBroker } from './broker-session.ts';
import { UsageError, type Cli } from './cli.ts';
import { changesText } from './provisioning.ts';

const hasShare = (name: ManagedName): boolean => (streams as Record<string, StreamRow>)[name]?.max_msgs_per_subject !== undefined;

export const runLimit = async (cli: Cli, stream: ManagedName, set: Overrides | 'reset', mayForget: boolean): Promise<void> => {
  if (set !== 'reset' && set.maxMessagesPerSubject !== undefined && !hasShare(stream)) {
    throw new UsageError(`${stream} has no share per subject; those that have: ${Object.keys(streams).filter((name) => hasShare(name as ManagedName)).join(', ')}`);
  }
  const settings = brokerSettings(cli);
  const limited = await withBroker(cli, settings, (broker) => limitStream(broker, stream, { limits: settings.limits, set, mayForget, worldsFile: settings.config.worldsFile }));
  const changes = limited.changes.filter(({ property }) => !property.startsWith('metadata.'));
  cli.print({ ...limited, changes }, () => [...limited.notes.map((note) => `note: ${note}`), `${stream}: ${changes.length === 0 ? 'nothing to change' : changesText(changes)}`].join('\n'));
};
