import { assertSynced, provision, type Provisioned } from '@spillway/jetstream';
import { isManaged, managedNames, show, type Action, type Difference, type ManagedName } from '@spillway/topology';
import { InvalidArgumentError, type Command } from 'commander';
import { brokerSettings, logOf, withBroker } from './broker-session.ts';
import type { Cli } from './cli.ts';

type ProvisionCommand = { adopt?: ManagedName[]; dryRun?: boolean };

export const streamArgument = (value: string): ManagedName => {
  if (!isManaged(value)) throw new InvalidArgumentError(`wanted one of ${managedNames.join(', ')}`);
  return value;
};

const changesOf = (changes: readonly Difference[]): string => changes.map(({ property, from, to }) => `${property} ${show(from)} → ${show(to)}`).join(', ');

export const actionText = (action: Action): string => {
  const what = 'durable' in action ? `${action.durable} (${action.stream})` : action.stream;
  return `${action.do.padEnd(14)} ${what}${'changes' in action && action.changes.length > 0 ? `: ${changesOf(action.changes)}` : ''}`;
};

const human = ({ actions, notes }: Pick<Provisioned, 'actions' | 'notes'>, dryRun: boolean): string => {
  const said = notes.map((note) => `note: ${note}`);
  if (actions.length === 0) return [...said, 'The broker is as the catalogue says: nothing to do.'].join('\n');
  return [...actions.map(actionText), ...said, dryRun ? `${actions.length} to do; nothing was changed (--dry-run).` : `${actions.length} done.`].join('\n');
};

/** Makes the broker what the catalogue says. Speaks NATS as the user `provisioner`. */
export const registerProvision = (program: Command, cli: Cli): void => {
  program
    .command('provision')
    .description('create and change streams, durables and buckets as the catalogue says')
    .option('--adopt <stream>', 'accept a stream that was made anew or deleted on purpose; repeat it', (value, before: ManagedName[] | undefined) => [...(before ?? []), streamArgument(value)])
    .option('--dry-run', 'say what would be done')
    .action(async ({ adopt = [], dryRun = false }: ProvisionCommand) => {
      const settings = brokerSettings(cli);
      const { monitorUrl, allowUnsynced, limits, worldsFile } = settings;
      const log = logOf(cli);
      (await assertSynced({ monitorUrl, allowUnsynced, log })).stop();
      const done = await withBroker(cli, settings, (broker) => provision(broker, { limits, log: quiet(log), adopt, worldsFile, dryRun }));
      cli.print({ dryRun, ...done }, () => human(done, dryRun));
    });
};

/** Notes are part of the answer: said once. */
const quiet = (log: ReturnType<typeof logOf>) => log.child({}, { level: 'silent' });
