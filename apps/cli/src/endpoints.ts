import { InvalidArgumentError, type Command } from 'commander';
import { call } from './api.ts';
import { UsageError, type Cli } from './cli.ts';
import { table } from './table.ts';

export type Endpoint = {
  id: string;
  tenant: string;
  url: string;
  enabled: boolean;
  types?: string[];
  uid?: string;
  description?: string;
  secret?: string;
  [other: string]: unknown;
};
type Page = { items: Endpoint[]; next: string | null; behindMs: number };
type Settings = {
  tenant: string;
  url?: string;
  type?: string[];
  allTypes?: boolean;
  default?: string[];
  description?: string;
  header?: Record<string, string>;
  maxInFlight?: number;
  ratePerSecond?: number;
  schedule?: number[];
  timeoutSeconds?: number;
  ordered?: boolean;
  uid?: string;
  metadata?: Record<string, string>;
  secret?: string;
  disabled?: boolean;
};

const pathOf = (tenant: string, id?: string, rest = ''): string => `/v1/tenants/${encodeURIComponent(tenant)}/endpoints${id === undefined ? '' : `/${encodeURIComponent(id)}`}${rest}`;

const collect = (value: string, before: string[] = []): string[] => [...before, ...value.split(',')];

const pair = (separator: string) => (value: string, before: Record<string, string> = {}): Record<string, string> => {
  const at = value.indexOf(separator);
  if (at < 1) throw new InvalidArgumentError(`wanted name${separator}value`);
  return { ...before, [value.slice(0, at).trim()]: value.slice(at + 1).trim() };
};

const whole = (value: string): number => {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('wanted a whole number');
  return Number(value);
};

const number = (value: string): number => {
  if (value.trim() === '' || !Number.isFinite(Number(value))) throw new InvalidArgumentError('wanted a number');
  return Number(value);
};

const waits = (value: string): number[] => value.split(',').map(whole);

const forTenant = (command: Command): Command => command.requiredOption('-t, --tenant <tenant>', 'whose endpoint it is');

/** What both `create` and `update` may set. */
const withSettings = (command: Command): Command =>
  command
    .option('--type <filters>', 'types it wants, such as invoice.*; repeat it or separate by commas', collect)
    .option('--description <text>')
    .option('--header <name: value>', 'a header of its own on every attempt; repeat it', pair(':'))
    .option('--max-in-flight <n>', 'attempts at once, at most', whole)
    .option('--rate-per-second <n>', 'attempts begun in any second, at most', number)
    .option('--schedule <seconds>', 'the waits before attempts 2, 3, …, by commas', waits)
    .option('--timeout-seconds <n>', 'for one whole attempt', whole)
    .option('--ordered', 'one after the other in the order of acceptance, the first retried until it has ended')
    .option('--no-ordered', 'in any order, several at once')
    .option('--uid <uid>', 'your own name of it, usable in place of its id')
    .option('--metadata <name=value>', 'kept for you; repeat it', pair('='));

const bodyOf = ({ url, type, description, header, maxInFlight, ratePerSecond, schedule, timeoutSeconds, ordered, uid, metadata, secret }: Settings): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries({ url, types: type, description, headers: header, maxInFlight, ratePerSecond, schedule, timeoutSeconds, ordered, uid, metadata, secret }).filter(([, value]) => value !== undefined),
  );

const one = (endpoint: Endpoint): string =>
  Object.entries(endpoint)
    .map(([name, value]) => `${name.padEnd(15)} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');

const many = (endpoints: Endpoint[]): string =>
  table(
    ['ID', 'UID', 'ENABLED', 'TYPES', 'URL'],
    endpoints.map(({ id, uid, enabled, types, url }) => [id, uid ?? '', enabled ? 'yes' : 'no', types?.join(',') ?? '**', url]),
  );

/** All pages: an operator who asks for the list wants the list. At most 1000 endpoints a tenant. */
const listAll = async (cli: Cli, tenant: string): Promise<Endpoint[]> => {
  const items: Endpoint[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page = await call<Page>(cli, 'console', { path: `${pathOf(tenant)}?limit=250${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}` });
    items.push(...page.items);
    cursor = page.next;
  }
  return items;
};

const registerReading = (endpoints: Command, cli: Cli): void => {
  forTenant(endpoints.command('list').description('all endpoints of a tenant')).action(async ({ tenant }: Settings) => {
    const items = await listAll(cli, tenant);
    cli.print({ items }, () => many(items));
  });
  forTenant(endpoints.command('get').description('one endpoint').argument('<id>', 'its id or uid')).action(async (id: string, { tenant }: Settings) => {
    const endpoint = await call<Endpoint>(cli, 'console', { path: pathOf(tenant, id) });
    cli.print(endpoint, () => one(endpoint));
  });
  forTenant(endpoints.command('secret').description('the secret it is signed with').argument('<id>', 'its id or uid')).action(async (id: string, { tenant }: Settings) => {
    const answer = await call<{ secret: string }>(cli, 'console', { path: pathOf(tenant, id, '/secret') });
    cli.print(answer, () => answer.secret);
  });
};

const registerWriting = (endpoints: Command, cli: Cli): void => {
  const patch = async (tenant: string, id: string, body: Record<string, unknown>) => {
    const endpoint = await call<Endpoint>(cli, 'console', { method: 'PATCH', path: pathOf(tenant, id), body });
    cli.print(endpoint, () => one(endpoint));
  };
  withSettings(forTenant(endpoints.command('create').description('a new endpoint; prints its secret').argument('<url>')))
    .option('--secret <whsec>', 'the secret your customer has already')
    .option('--disabled', 'no deliveries until it is enabled')
    .action(async (url: string, options: Settings) => {
      const body = { ...bodyOf({ ...options, url }), ...(options.disabled ? { enabled: false } : {}) };
      const endpoint = await call<Endpoint>(cli, 'console', { method: 'POST', path: pathOf(options.tenant), body });
      cli.print(endpoint, () => one(endpoint));
    });
  withSettings(forTenant(endpoints.command('update').description('change what is named, keep the rest').argument('<id>', 'its id or uid')))
    .option('--url <url>')
    .option('--all-types', 'every type from now on')
    .option('--default <settings>', 'these go back to their defaults, named as in the API, such as ratePerSecond; by commas', collect)
    .action(async (id: string, options: Settings) => {
      const back = Object.fromEntries((options.default ?? []).map((setting) => [setting, null]));
      const body = { ...bodyOf(options), ...back, ...(options.allTypes ? { types: null } : {}) };
      if (Object.keys(body).length === 0) throw new UsageError('nothing to change: name at least one setting');
      await patch(options.tenant, id, body);
    });
  for (const [name, enabled] of [['enable', true], ['disable', false]] as const) {
    const command = endpoints.command(name).description(enabled ? 'deliveries go on' : 'no deliveries until it is enabled again');
    forTenant(command.argument('<id>', 'its id or uid')).action(async (id: string, { tenant }: Settings) => patch(tenant, id, { enabled }));
  }
  const test = endpoints.command('test').description('sends it an event of type webhook.test').argument('<id>', 'its id or uid');
  forTenant(test).action(async (id: string, { tenant }: Settings) => {
    const sent = await call<{ id: string }>(cli, 'console', { method: 'POST', path: pathOf(tenant, id, '/test') });
    cli.print(sent, () => sent.id);
  });
  const remove = endpoints.command('delete').description('for good: what waits for it ends').argument('<id>', 'its id or uid');
  forTenant(remove).action(async (id: string, { tenant }: Settings) => {
    await call(cli, 'console', { method: 'DELETE', path: pathOf(tenant, id) });
    cli.print({ deleted: id }, () => `deleted ${id}`);
  });
};

export const registerEndpoints = (program: Command, cli: Cli): void => {
  const endpoints = program.command('endpoints').description('where webhooks go');
  registerReading(endpoints, cli);
  registerWriting(endpoints, cli);
};
