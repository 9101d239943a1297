import { once } from 'node:events';
import { findNatsServer } from '../real-parts/nats-server.mjs';
import { startApps } from './app-processes.mjs';
import { natsUsers } from './apps.mjs';
import { guardBoot } from './boot-guard.mjs';
import { BROKER, startBroker } from './broker.mjs';
import { dataPaths } from './data-folder.mjs';
import { writeCliProfile, writeEnvironments } from './environment.mjs';
import { requireFreePorts } from './ports.mjs';
import { Processes } from './processes.mjs';
import { provision } from './provisioning.mjs';
import { openSecrets } from './secrets.mjs';
import { stopSignals } from './stop-signals.mjs';

/**
 * @typedef {object} Parts
 * @property {import('./instance-lock.mjs').InstanceLock} lock
 * @property {(text: string) => void} say
 * @property {boolean} withApps
 * @property {() => Promise<void>} build
 * @property {string} [provisionerMain]
 * @property {(facts: { adminKey: string, seconds: string }) => string} greeting
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
  const [binary] = await Promise.all([findNatsServer({ cacheFolder: settings.cacheFolder, say, env: settings.env }), build()]);
  stop.removeEventListener('abort', leave);
  say(`nats-server ${binary.version} (${binary.from})`);
  return binary.path;
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
  const binary = await findAndBuild(settings, parts, stop);
  const secrets = openSecrets(paths.secrets, settings.env, natsUsers);
  writeEnvironments(settings, secrets);
  writeCliProfile(settings, secrets);

  const names = [BROKER, ...(withApps ? settings.apps.map(({ name }) => name) : [])];
  const processes = new Processes({ lock, logFolder: paths.logs, names, say });
  onSecond(() => {
    processes.kill();
    lock.release();
    process.exit(1);
  });
  const boot = guardBoot(stop, paths.logs);
  const common = { secrets, processes, say, signal: boot.signal, died: boot.died };
  try {
    await startBroker(settings, { ...common, binary });
    await provision(settings, { secrets, main: provisionerMain });
    boot.signal.throwIfAborted();
    if (withApps) await startApps(settings, common);
    boot.over();
    say(greeting({ adminKey: secrets.SPILLWAY_ADMIN_KEY, seconds: (performance.now() / 1_000).toFixed(1) }));
    if (!stop.aborted) await once(stop, 'abort');
  } catch (error) {
    if (!stop.aborted) throw boot.refusal ?? error; // told to stop while starting: not an error
  } finally {
    say(stop.aborted ? `stopping (${stop.reason}); once more stops at once …` : 'stopping what was started …');
    await processes.stop();
  }
  say('stopped');
};
