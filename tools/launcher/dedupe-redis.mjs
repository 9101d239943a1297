import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dedupeRedisPortOffset } from './apps.mjs';
import { dataPaths } from './data-folder.mjs';
import { inherited } from './environment.mjs';

/** Its name among the processes and of its log. */
export const DEDUPE_REDIS = 'dedupe-redis';
/** From SIGTERM on it writes its marks to disk: 256 MB in a second or two. */
const STOP_WITHIN_MS = 10_000;
const ASK_EVERY_MS = 50;
const DUMP = 'dump.rdb';

/**
 * What dedupe's index needs of a Redis: bounded, the marks that end first go first when it is full. Nothing is written while it runs (what it forgets
 * in a crash is caught for minutes by JetStream's own window, and delivered twice after that, never lost); a stop on purpose keeps the marks.
 * @param {{ port: number, password: string, folder: string }} redis
 */
export const redisConfig = ({ port, password, folder }) => `# Written by npm start and npm run infra at each start: changes here do not last.
bind 127.0.0.1
port ${port}
requirepass ${password}
dir ${JSON.stringify(folder)}
save ""
appendonly no
shutdown-on-sigterm save
dbfilename ${DUMP}
maxmemory 256mb
maxmemory-policy volatile-ttl
`;

/** @param {number} port @param {string} password @returns {Promise<boolean>} */
const answers = (port, password) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (/** @type {boolean} */ answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => end(false)).on('error', () => end(false));
    socket.setEncoding('utf8').on('data', (text) => text.includes('+PONG') && end(true));
    socket.on('close', () => end(false));
    socket.write(`AUTH ${password}\r\nPING\r\n`);
  });

/**
 * @param {import('./settings.mjs').Settings} settings
 * @param {{ binary: string, secrets: import('./secrets.mjs').Secrets, processes: import('./processes.mjs').Processes, signal: AbortSignal, died: (name: string, deathsInARow: number) => void }} parts
 */
export const startDedupeRedis = async (settings, { binary, secrets, processes, signal, died }) => {
  const file = dataPaths(settings.dataFolder).dedupeRedisConfig;
  const port = settings.portBase + dedupeRedisPortOffset;
  const password = secrets.dedupeRedisPassword;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, redisConfig({ port, password, folder: dirname(file) }), { mode: 0o600 });
  processes.start(
    { name: DEDUPE_REDIS, command: binary, args: [file], cwd: settings.root, env: inherited(settings.env), stopWithinMs: STOP_WITHIN_MS, foundation: true },
    (deathsInARow) => died(DEDUPE_REDIS, deathsInARow),
  );
  while (!(await answers(port, password))) await delay(ASK_EVERY_MS, undefined, { signal });
  // read back, and of no more use: after a crash it would bring back marks that were given up since, and then an honest event is dropped for one that nobody delivers
  rmSync(join(dirname(file), DUMP), { force: true });
};
