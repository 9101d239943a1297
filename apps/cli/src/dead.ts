import type { Command } from 'commander';
import { call } from './api.ts';
import { UsageError, type Cli } from './cli.ts';
import { table } from './table.ts';

type DeadLetter = { id: string; by: string; reason: string; detail?: string; tenant?: string; endpoint?: string; type?: string; attempts: number; at: string; app?: string };
type Page = { items: DeadLetter[]; next: string | null };
type Job = { id: string; state: string; waitsFor?: string; counts: { looked: number; meant: number; replayed: number; skipped: number } };
type Filters = { by?: string; tenant?: string; endpoint?: string; reason?: string; from?: string; to?: string };
type ListOptions = Filters & { limit?: string; cursor?: string };
type ReplayOptions = Filters & { all?: boolean };

const withFilters = (command: Command): Command =>
  command
    .option('--by <who>', 'endpoint or pipeline: by whose fault')
    .option('-t, --tenant <tenant>')
    .option('-e, --endpoint <id>', 'its id, or its uid beside --tenant')
    .option('--reason <reason>', 'such as exhausted, gone, retry_overflow, poison')
    .option('--from <time>', 'given up at this time or later, RFC 3339')
    .option('--to <time>', 'given up before this time, RFC 3339');

const filtersOf = ({ by, tenant, endpoint, reason, from, to }: Filters): Record<string, string> =>
  Object.fromEntries(Object.entries({ by, tenant, endpoint, reason, from, to }).filter((entry): entry is [string, string] => entry[1] !== undefined));

const listText = ({ items, next }: Page): string =>
  [
    table(
      ['ID', 'GIVEN UP', 'REASON', 'TENANT', 'ENDPOINT', 'TYPE', 'ATTEMPTS', 'DETAIL'],
      items.map(({ id, at, reason, tenant, endpoint, app, type, attempts, detail }) => [id, at, reason, tenant ?? '', endpoint ?? app ?? '', type ?? '', attempts, detail ?? '']),
    ),
    ...(next === null ? [] : [`more: --cursor ${next}`]),
  ].join('\n');

const fields = (of: object): string =>
  Object.entries(of)
    .map(([name, value]) => `${name.padEnd(12)} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');

const jobText = ({ id, state, waitsFor, counts }: Job): string =>
  `${id}: ${state}${waitsFor === undefined ? '' : `, waits for room in ${waitsFor}`}; ${counts.replayed} replayed, ${counts.skipped} skipped of ${counts.meant} meant, ${counts.looked} looked at`;

const registerReading = (dead: Command, cli: Cli): void => {
  withFilters(dead.command('list').description('what was given up, the oldest first'))
    .option('--limit <n>', 'on one page')
    .option('--cursor <cursor>', 'from where the page before ended')
    .action(async ({ limit, cursor, ...filters }: ListOptions) => {
      const query = new URLSearchParams({ ...filtersOf(filters), ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) });
      const page = await call<Page>(cli, 'console', { path: `/v1/dead?${query.toString()}` });
      cli.print(page, () => listText(page));
    });
  dead.command('show').description('one of them, with its body').argument('<id>', 'dlv_…').action(async (id: string) => {
    const letter = await call<DeadLetter>(cli, 'console', { path: `/v1/dead/${encodeURIComponent(id)}` });
    cli.print(letter, () => fields(letter));
  });
  dead.command('job').description('how far a replay has come').argument('<id>', 'job_…').action(async (id: string) => {
    const job = await call<Job>(cli, 'console', { path: `/v1/jobs/${encodeURIComponent(id)}` });
    cli.print(job, () => jobText(job));
  });
};

export const registerDead = (program: Command, cli: Cli): void => {
  const dead = program.command('dead').description('what was given up, and sending it once more');
  registerReading(dead, cli);
  withFilters(dead.command('replay').description('once more, as deliveries of their own: one, or all that the options mean').argument('[id]', 'dlv_…'))
    .option('--all', 'every dead letter there is')
    .action(async (id: string | undefined, { all, ...options }: ReplayOptions) => {
      const body = filtersOf(options);
      const meant = [id !== undefined, Object.keys(body).length > 0, all === true].filter(Boolean).length;
      if (meant !== 1) throw new UsageError('which? an id, or options that say which, or --all');
      const path = id === undefined ? '/v1/dead/replay' : `/v1/dead/${encodeURIComponent(id)}/replay`;
      const answer = await call<{ job: string }>(cli, 'console', { method: 'POST', path, ...(id === undefined ? { body } : {}) });
      cli.print(answer, () => `${answer.job}; how far it is: spillway dead job ${answer.job}`);
    });
};
