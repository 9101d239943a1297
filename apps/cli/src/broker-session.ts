import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { Broker } from '@spillway/jetstream';
import { ConfigError, loadConfig } from '@spillway/service-kit';
import { createLogger, type Logger } from '@spillway/telemetry';
import { limitsFrom, type LimitFault, type Limits } from '@spillway/topology';
import { CommandFailed, UsageError, type Cli } from './cli.ts';
import { ProvisionerConfig } from './provisioner.config.ts';

export type BrokerSettings = { config: ProvisionerConfig; limits: Limits };

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
  const config = configFrom(env, faults);
  if (!config || faults.length > 0) throw new UsageError(['the environment is not right:', ...faults.map(({ variable, seen, wanted }) => `  ${variable} is ${seen}, wanted: ${wanted}`)].join('\n'));
  return { config, limits };
};

const configFrom = (env: NodeJS.ProcessEnv, faults: LimitFault[]): ProvisionerConfig | undefined => {
  try {
    return loadConfig(ProvisionerConfig, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.unshift(...error.faults);
    return undefined;
  }
};

/** The libraries' warnings, as notes beside the answer. */
export const logOf = (cli: Cli): Logger => createLogger('spillway', 'warn', { write: (line: string) => cli.note(`warning: ${(JSON.parse(line) as { msg: string }).msg}`) });

export const withBroker = async <T>(cli: Cli, { config }: BrokerSettings, work: (broker: Broker) => Promise<T>): Promise<T> => {
  const broker = await connected(config, logOf(cli));
  try {
    return await work(broker);
  } finally {
    await broker.close();
  }
};

/** One try: the services wait for their broker for ever, an operator does not. */
const connected = async ({ natsUrl, natsUser, natsPassword }: ProvisionerConfig, log: Logger): Promise<Broker> => {
  try {
    return await Broker.connect({ servers: natsUrl, user: natsUser, pass: natsPassword, name: 'spillway-cli', log, waitForFirst: false });
  } catch (error) {
    throw new CommandFailed(
      `no connection to the broker at ${natsUrl}: ${(error as Error).message}. Is it running, and are NATS_URL, NATS_USER and NATS_PASSWORD right?`,
      { code: 'broker_unreachable', natsUrl },
      { cause: error },
    );
  }
};
