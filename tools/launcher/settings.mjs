import { resolve } from 'node:path';
import { Refusal } from '../refusal.mjs';
import { apps as everyApp, monitorPortOffset, natsPortOffset } from './apps.mjs';

const DEFAULT_PORT_BASE = 8080;
/** The highest port less the room that the table of ports needs (4-digit offsets would not fit anyway). */
const HIGHEST_PORT_BASE = 65_500;

/**
 * @typedef {object} Settings
 * @property {string} root the clone
 * @property {string} command as the person typed it, for messages
 * @property {string} dataFolder
 * @property {string} cacheFolder
 * @property {number} portBase
 * @property {string} bind where the apps listen
 * @property {boolean} fresh
 * @property {readonly import('./apps.mjs').AppRow[]} apps
 * @property {NodeJS.ProcessEnv} env
 */

/** @param {string | undefined} text @param {string[]} faults */
const readPortBase = (text, faults) => {
  if (text === undefined || text === '') return DEFAULT_PORT_BASE;
  const base = Number(text);
  if (!Number.isInteger(base) || base < 1 || base > HIGHEST_PORT_BASE) faults.push(`SPILLWAY_PORT_BASE is "${text}": a whole number from 1 to ${HIGHEST_PORT_BASE} is wanted`);
  return base;
};

/**
 * All faults at once, as the apps do it.
 * @param {{ root: string, command: string, args: string[], env: NodeJS.ProcessEnv, options?: string[], apps?: Settings['apps'] }} given
 * @returns {Settings}
 */
export const readSettings = ({ root, command, args, env, options = ['--fresh'], apps = everyApp }) => {
  const faults = args.filter((arg) => !options.includes(arg)).map((arg) => `unknown option ${arg} (known: ${options.join(', ') || 'none'})`);
  const portBase = readPortBase(env.SPILLWAY_PORT_BASE, faults);
  if (faults.length > 0) throw new Refusal(`${command} cannot start:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  return {
    root,
    command,
    dataFolder: resolve(root, env.SPILLWAY_DATA_DIR || '.spillway'),
    cacheFolder: resolve(root, '.cache'),
    portBase,
    bind: env.SPILLWAY_BIND || '127.0.0.1',
    fresh: args.includes('--fresh'),
    apps,
    env,
  };
};

/** host:port, as the clients take it. @param {Settings} settings */
export const natsUrl = ({ portBase }) => `127.0.0.1:${portBase + natsPortOffset}`;
/** @param {Settings} settings */
export const monitorUrl = ({ portBase }) => `http://127.0.0.1:${portBase + monitorPortOffset}`;

/** Where something on this machine reaches an app: what is bound to every address answers on loopback too. @param {Settings} settings @param {import('./apps.mjs').AppRow} app */
export const appUrl = ({ bind, portBase }, app) => {
  const host = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[bind] ?? (bind.includes(':') ? `[${bind}]` : bind);
  return `http://${host}:${portBase + app.portOffset}`;
};
