import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandFailed, type Cli } from './cli.ts';

/** Which plane is talked to, and as whom. */
export type Profile = { console: string; ingest: string; key: string | undefined };

type Written = Partial<Record<'console' | 'ingest' | 'key', string>>;

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** What `npm start` has left in its data directory: of the folder we are in, else of the repository this program was built in. */
const writtenByStart = ({ env, cwd }: Cli): Written => {
  const folders = env['SPILLWAY_DATA_DIR'] ? [env['SPILLWAY_DATA_DIR']] : [join(cwd, '.spillway'), join(REPOSITORY, '.spillway')];
  const file = folders.map((folder) => join(folder, 'cli.json')).find((path) => existsSync(path));
  if (file === undefined) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Written;
  } catch (cause) {
    throw new CommandFailed(`${file} cannot be read: start again with npm start, or set SPILLWAY_URL, SPILLWAY_INGEST_URL and SPILLWAY_KEY`, {}, { cause });
  }
};

const portBase = (env: NodeJS.ProcessEnv): number => Number(env['SPILLWAY_PORT_BASE'] || 8080);

/** The environment first, then what `npm start` wrote, then the default ports on this machine. */
export const profileOf = (cli: Cli): Profile => {
  const { env } = cli;
  const written = writtenByStart(cli);
  return {
    console: env['SPILLWAY_URL'] || written.console || `http://127.0.0.1:${portBase(env) + 1}`,
    ingest: env['SPILLWAY_INGEST_URL'] || written.ingest || `http://127.0.0.1:${portBase(env)}`,
    key: env['SPILLWAY_KEY'] || written.key,
  };
};
