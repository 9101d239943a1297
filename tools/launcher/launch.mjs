import { once } from 'node:events';
import { findNatsServer } from '../real-parts/nats-server.mjs';
import { startApps } from './app-processes.mjs';
import { natsUsers } from './apps.mjs';
import { guardBoot } from './boot-guard.mjs';
import { startBroker } from './broker.mjs';
import { dataPaths } from './data-folder.mjs';
import { writeCliProfile, writeEnvironments } from './environment.mjs';
import { requireFreePorts } from './ports.mjs';
import { Processes } from './processes.mjs';
import { provision } from './provisioning.mjs';
import { openSecrets } from './secrets.mjs';
import { stopSignal } from './stop-signals.mjs';

/**
 * @typedef {object} Parts
 * @property {import('./instance-lock.mjs').InstanceLock} lock
 * @property {(text: string) => void} say
 * @property {boolean} withApps
 * @property {() => Promise<void>} build
 * @property {string} [provisionerMain]
 * @property {(facts: { adminKey: string, seconds: string }) => string} greeting
 */

/** @param {import('./settings.mjs').Settings} settings @param {Parts} parts */
const findAndBuild = async (settings, { say, build }) => {
  await requireFreePorts(settings);
  const [binary] = await Promise.all([findNatsServer({ cacheFolder: settings.cacheFolder, say, env: settings.env }), build()]);
  say(`nats-server ${binary.version} (${binary.from})`);
  return binary.path;
};

/**
 * Broker, streams and (for npm start) apps, until somebody says stop.
 * @param {import('./settings.mjs').Settings} settings
 * @param {Parts} parts
 * @returns {Promise<number>}
 */
export const launch = async (settings, parts) => {
  const { lock, say, withApps, provisionerMain, greeting } = parts;
  const paths = dataPaths(settings.dataFolder);
  const binary = await findAndBuild(settings, parts);
  const secrets = openSecrets(paths.secrets, settings.env, natsUsers);
  writeEnvironments(settings, secrets);
  writeCliProfile(settings, secrets);

  const names = ['nats', ...(withApps ? settings.apps.map(({ name }) => name) : [])];
  const processes = new Processes({ lock, logFolder: paths.logs, names, say });
  const atOnce = () => {
    processes.kill();
    lock.release();
    process.exit(1);
  };
  const stop = stopSignal({ env: settings.env, atOnce });
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
    lock.release();
  }
  say('stopped');
  return 0;
};
