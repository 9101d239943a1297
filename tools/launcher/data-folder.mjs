import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../refusal.mjs';

/** Says that a folder is ours, so that --fresh empties no other one by a slip in SPILLWAY_DATA_DIR. */
const MARKER = 'this-is-spillway-data';
const LOCK = 'instance.lock';

/** @param {string} folder @param {unknown} cause */
const unusable = (folder, cause) =>
  new Refusal(
    `The data directory ${folder} cannot be used: ${/** @type {Error} */ (cause).message}.\n` +
      'Spillway keeps events, keys and logs there: set SPILLWAY_DATA_DIR to a directory that you may write to.',
    { cause },
  );

/** Makes the folder if there is none, and proves that it can be written. @param {string} folder */
export const openDataFolder = (folder) => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 }); // it holds secrets and customers' events
    if (readdirSync(folder).length === 0) writeFileSync(join(folder, MARKER), 'Made by npm start. Everything here is emptied by: npm start -- --fresh\n');
    accessSync(folder, constants.W_OK | constants.X_OK);
    writeFileSync(join(folder, '.writable'), ''); // access() knows nothing of read-only file systems' odder kinds or full ones
    rmSync(join(folder, '.writable'));
  } catch (error) {
    throw unusable(folder, error);
  }
};

/** Only under the lock, which stays. @param {string} folder */
export const emptyDataFolder = (folder) => {
  if (!existsSync(join(folder, MARKER))) throw new Refusal(`--fresh would empty ${folder}, which Spillway did not make (it has no file ${MARKER}). Empty it yourself, or set SPILLWAY_DATA_DIR to another directory.`);
  for (const name of readdirSync(folder)) if (name !== MARKER && !name.startsWith(LOCK)) rmSync(join(folder, name), { recursive: true, force: true });
};

/** Where everything lies in it. @param {string} folder */
export const dataPaths = (folder) => ({
  secrets: join(folder, 'secrets'),
  logs: join(folder, 'logs'),
  natsConfig: join(folder, 'nats', 'nats-server.conf'),
  natsStore: join(folder, 'nats'), // the server makes jetstream/ below it
  dedupeRedisConfig: join(folder, 'dedupe-redis', 'redis.conf'),
  worlds: join(folder, 'worlds.json'),
  cliProfile: join(folder, 'cli.json'),
  environment: (/** @type {string} */ app) => join(folder, `env.${app}`),
});
