import type { Command } from 'commander';
import type { ManagedName } from '@spillway/topology';
import type { Cli } from './cli.ts';
import { streamArgument } from './stream-argument.ts';

type ProvisionOptions = { adopt?: ManagedName[]; dryRun?: boolean };

/** Makes the broker what the catalogue says. Speaks NATS as the user `provisioner`. */
export const registerProvision = (program: Command, cli: Cli): void => {
  program
    .command('provision')
    .description('create and change streams, durables and buckets as the catalogue says')
    .option('--adopt <stream>', 'accept a stream that was made anew or deleted on purpose; repeat it', (value, before: ManagedName[] | undefined) => [...(before ?? []), streamArgument(value)])
    .option('--dry-run', 'say what would be done')
    .action(async ({ adopt = [], dryRun = false }: ProvisionOptions) => {
      // what speaks NATS is loaded by those commands only that need it: a third of a second
      const { runProvision } = await import('./provisioning.ts');
      await runProvision(cli, { adopt, dryRun });
    });
};
