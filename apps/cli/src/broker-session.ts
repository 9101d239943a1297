import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { Broker } from '@spillway/jetstream';
import { limitsFrom, type Limits } from '@spillway/topology';
import { pino } from 'pino';
import { CommandFailed, UsageError, type Cli } from './cli.ts';

export type BrokerSettings = {
  natsUrl: string;
  user?: string | undefined;
  password?: string | undefined;
  monitorUrl: string;
  worldsFile?: string | undefined;
  allowUnsynced: boolean;
  limits: Limits;
};

/** The first connection takes milliseconds; a broker that replays a large store answers before that is done. */
const CONNECT_WITHIN_MS = 10_000;
const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** What `npm start` keeps for the user `provisioner` in its data directory; used when the environment names no broker. */
const writtenByStart = ({ env, cwd }: Cli): NodeJS.ProcessEnv => {
  const folders = env['SPILLWAY_DATA_DIR'] ? [env['SPILLWAY_DATA_DIR']] : [join(cwd, '.spillway'), join(REPOSITORY, '.spillway')];
  const file = folders.map((folder) => join(folder, 'env.provisioner')).find((path) => existsSync(path));
  return file === undefined ? {} : parseEnv(readFileSync(file, 'utf8'));
};

/** @throws UsageError with all faults of the environment at once */
export const brokerSettings = (cli: Cli): BrokerSettings => {
  const env = cli.env['NATS_URL'] ? cli.env : { ...writtenByStart(cli), ...cli.env };
  const { limits, faults } = limitsFrom(env);
  const allowUnsynced = env['SPILLWAY_ALLOW_UNSYNCED'] || 'false';
  if (!['true', 'false'].includes(allowUnsynced)) faults.push({ variable: 'SPILLWAY_ALLOW_UNSYNCED', seen: allowUnsynced, wanted: 'true or false' });
  if (faults.length > 0) throw new UsageError(['the environment is not right:', ...faults.map(({ variable, seen, wanted }) => `  ${variable} is ${JSON.stringify(seen)}, wanted: ${wanted}`)].join('\n'));
  const portBase = Number(env['SPILLWAY_PORT_BASE'] || 8080);
  return {
    natsUrl: env['NATS_URL'] || `127.0.0.1:${portBase + 10}`,
    user: env['NATS_USER'] || undefined,
    password: env['NATS_PASSWORD'] || undefined,
    monitorUrl: env['NATS_MONITOR_URL'] || `http://127.0.0.1:${portBase + 11}`,
    worldsFile: env['SPILLWAY_WORLDS_FILE'] || undefined,
    allowUnsynced: allowUnsynced === 'true',
    limits,
  };
};

/** The libraries' warnings as notes beside the answer. */
export const logOf = (cli: Cli) => pino({ level: 'warn', base: undefined }, { write: (line: string) => cli.note(`warning: ${(JSON.parse(line) as { msg: string }).msg}`) });

/** Connects for one command, with a deadline: the services wait for their broker for ever, an operator does not. */
export const withBroker = async <T>(cli: Cli, settings: BrokerSettings, work: (broker: Broker) => Promise<T>): Promise<T> => {
  const broker = await connected(cli, settings);
  try {
    return await work(broker);
  } finally {
    await broker.close();
  }
};

const connected = async (cli: Cli, { natsUrl, user, password }: BrokerSettings): Promise<Broker> => {
  const deadline = new AbortController();
  const connecting = Broker.connect({ servers: natsUrl, user, pass: password, name: 'spillway-cli', log: logOf(cli) });
  const late = wait(CONNECT_WITHIN_MS, undefined, { signal: deadline.signal }).then(() => {
    void connecting.then((broker) => broker.close());
    throw new CommandFailed(`no broker at ${natsUrl} within ${CONNECT_WITHIN_MS / 1_000} s. Is it running, and are NATS_URL, NATS_USER and NATS_PASSWORD right?`, { code: 'unreachable', natsUrl });
  });
  late.catch(() => undefined); // aborted: the connection was made in time
  try {
    return await Promise.race([connecting, late]);
  } finally {
    deadline.abort();
  }
};
