import { once } from 'node:events';
import { findNatsServer } from '../real-parts/nats-server.mjs';
import { findRedisServer } from '../real-parts/redis-server.mjs';
import { startApps } from './app-processes.mjs';
import { guardBoot } from './boot-guard.mjs';
import { BROKER, startBroker } from './broker.mjs';
import { dataPaths } from './data-folder.mjs';
import { DEDUPE_REDIS, startDedupeRedis } from './dedupe-redis.mjs';
import { writeCliProfile, writeEnvironments } from './environment.mjs';
import { requireFreePorts } from './ports.mjs';
import { Processes } from './processes.mjs';
import { provision } from './provisioning.mjs';
import { secretsFor } from './secrets-for-apps.mjs';
import { stopSignals } from './stop-signals.mjs';

/**
 * @typedef {object} Parts
 * @property {import('./instance-lock.mjs').InstanceLock} lock
 * @property {(text: string) => void} say
 * @property {boolean} withApps
 * @property {() => Promise<void>} build
 * @property {string} [provisionerMain]
 * @property {(facts: { adminKey: string, hasRedis: boolean, seconds: string }) => string} greeting
 */

/** Nothing of ours runs yet: who stops us now gets rid of us at once. @param {import('./settings.mjs').Settings} settings @param {Parts} parts @param {AbortSignal} stop */
const findAndBuild = async (settings, { lock, say, build }, stop) => {
  const leave = () => {
    say(`stopped (${stop.reason})`);
    lock.release();
    process.exit(0);
  };
  stop.addEventListener('abort', leave);
  await requireFreePorts(settings);
  const { cacheFolder, env } = settings;
  const [nats, redis] = await Promise.all([findNatsServer({ cacheFolder, say, env }), env.SPILLWAY_DEDUPE_REDIS_URL ? undefined : findRedisServer({ cacheFolder, say, env }), build()]);
  stop.removeEventListener('abort', leave);
  say([nats && `nats-server ${nats.version} (${nats.from})`, redis && `redis-server ${redis.version} (${redis.from})`].filter(Boolean).join(', '));
  return { nats: nats.path, redis: redis?.path };
};

/**
 * Broker, streams and (for npm start) apps, until somebody says stop.
 * @param {import('./settings.mjs').Settings} settings
 * @param {Parts} parts
 * @returns {Promise<number>} the exit code
 */
export const launch = async (settings, parts) => {
  try {
    await run(settings, parts);
    return 0;
  } finally {
    parts.lock.release();
  }
};

/** @param {import('./settings.mjs').Settings} settings @param {Parts} parts */
const run = async (settings, parts) => {
  const { lock, say, withApps, provisionerMain, greeting } = parts;
  const { signal: stop, onSecond } = stopSignals(settings.env);
  const paths = dataPaths(settings.dataFolder);
  const binaries = await findAndBuild(settings, parts, stop);
  const secrets = secretsFor(settings, { hasRedis: binaries.redis !== undefined });
  writeEnvironments(settings, secrets);
  writeCliProfile(settings, secrets);

  const names = [BROKER, DEDUPE_REDIS, ...(withApps ? settings.apps.map(({ name }) => name) : [])];
  const processes = new Processes({ lock, logFolder: paths.logs, names, say });
  onSecond(() => {
    processes.kill();
    lock.release();
    process.exit(1);
  });
  const boot = guardBoot(stop, paths.logs);
  const common = { secrets, processes, say, signal: boot.signal, died: boot.died };
  try {
    const { nats, redis } = binaries;
    await Promise.all([startBroker(settings, { ...common, binary: nats }), redis && startDedupeRedis(settings, { ...common, binary: redis })]);
    await provision(settings, { secrets, main: provisionerMain });
    boot.signal.throwIfAborted();
    if (withApps) await startApps(settings, common);
    boot.over();
    say(greeting({ adminKey: secrets.SPILLWAY_ADMIN_KEY, hasRedis: secrets.SPILLWAY_DEDUPE_REDIS_URL !== undefined, seconds: (performance.now() / 1_000).toFixed(1) }));
    if (!stop.aborted) await once(stop, 'abort');
  } catch (error) {
    if (!stop.aborted) throw boot.refusal ?? error; // told to stop while starting: not an error
  } finally {
    say(stop.aborted ? `stopping (${stop.reason}); once more stops at once …` : 'stopping what was started …');
    await processes.stop();
  }
  say('stopped');
};
