import type { Command } from 'commander';
import type { ManagedName } from '@spillway/topology';
import { UsageError, type Cli } from './cli.ts';
import { countArgument, sizeArgument, streamArgument } from './stream-argument.ts';

type LimitOptions = { maxBytes?: number; maxMessagesPerSubject?: number; reset?: boolean; dropOldest?: boolean };

/** The JetStream view, asked of the broker itself: works when nothing else does. Speaks NATS as the user `provisioner`. */
export const registerStreams = (program: Command, cli: Cli): void => {
  const streams = program
    .command('streams')
    .description('what is on the broker: streams, consumers, subject queues')
    .action(async () => {
      const { runStreams } = await import('./streams-view.ts');
      await runStreams(cli);
    });
  registerShow(streams, cli);
  registerLimit(streams, cli);
};

const registerShow = (streams: Command, cli: Cli): void => {
  streams
    .command('show')
    .description('one stream, with how many messages lie on which subject; WEBHOOK_RETRY shows when retries fire')
    .argument('<stream>', 'its name on the broker', streamArgument)
    .option('--limit <n>', 'so many subjects', countArgument, 50)
    .action(async (stream: ManagedName, { limit }: { limit: number }) => {
      const { runShow } = await import('./stream-subjects.ts');
      await runShow(cli, stream, limit);
    });
};

const registerLimit = (streams: Command, cli: Cli): void => {
  streams
    .command('limit')
    .description('change a limit, also while it is reached; provisioning respects it from then on')
    .argument('<stream>', 'its name on the broker', streamArgument)
    .option('--max-bytes <size>', 'such as 8GiB', sizeArgument)
    .option('--max-messages-per-subject <n>', 'the share of a tenant or an endpoint', countArgument)
    .option('--reset', 'back to what the environment of this command says, or the default')
    .option('--drop-oldest', 'the ledger may lose its oldest facts by it')
    .action(async (stream: ManagedName, { maxBytes, maxMessagesPerSubject, reset = false, dropOldest = false }: LimitOptions) => {
      const isSet = maxBytes !== undefined || maxMessagesPerSubject !== undefined;
      if (isSet === reset) throw new UsageError('wanted --max-bytes, --max-messages-per-subject or both, or --reset alone');
      const { runLimit } = await import('./stream-limits.ts');
      await runLimit(cli, stream, reset ? 'reset' : { maxBytes, maxMessagesPerSubject }, dropOldest);
    });
};
