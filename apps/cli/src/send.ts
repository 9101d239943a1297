import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { call } from './api.ts';
import { CommandFailed, UsageError, type Cli } from './cli.ts';

type SendOptions = { tenant: string; data?: string; id?: string; time?: string; idempotencyKey?: string };

/** `-` is standard input, `@file` a file, everything else the JSON itself. */
const dataOf = async (given: string, cli: Cli): Promise<string> => {
  if (given === '-') return (await cli.readStdin()).toString('utf8');
  if (!given.startsWith('@')) return given;
  try {
    return readFileSync(given.slice(1), 'utf8');
  } catch (cause) {
    throw new CommandFailed(`cannot read ${given.slice(1)}`, {}, { cause });
  }
};

/** The data goes out as it was typed, byte for byte: parsed only to say early that it is no JSON. */
const bodyOf = (type: string, { tenant, id, time }: SendOptions, data: string): string => {
  try {
    JSON.parse(data);
  } catch (cause) {
    throw new UsageError(`--data is not JSON: ${(cause as Error).message}`);
  }
  const head = JSON.stringify({ tenant, type, ...(id === undefined ? {} : { id }), ...(time === undefined ? {} : { time }) });
  return `${head.slice(0, -1)},"data":${data}}`;
};

export const registerSend = (program: Command, cli: Cli): void => {
  program
    .command('send')
    .description('accept one event, as a producer does')
    .argument('<type>', 'such as invoice.paid')
    .requiredOption('-t, --tenant <tenant>', 'whose event it is')
    .option('-d, --data <json>', 'the event’s data: JSON, @file, or - for standard input', '{}')
    .option('--id <id>', 'your own id: the same one again is the same event')
    .option('--time <time>', 'when it happened, RFC 3339')
    .option('--idempotency-key <key>', 'the same key again answers the same id')
    .action(async (type: string, options: SendOptions) => {
      const body = bodyOf(type, options, await dataOf(options.data ?? '{}', cli));
      const headers = options.idempotencyKey === undefined ? undefined : { 'idempotency-key': options.idempotencyKey };
      const answer = await call<{ id: string }>(cli, 'ingest', { method: 'POST', path: '/v1/events', body, ...(headers ? { headers } : {}) });
      cli.print(answer, () => `accepted ${answer.id}`);
    });
};
