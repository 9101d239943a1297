import { writeFileSync } from 'node:fs';
import { provisioner } from './apps.mjs';
import { dataPaths } from './data-folder.mjs';
import { appUrl, monitorUrl, natsUrl } from './settings.mjs';

/** For trials on one machine, receivers on loopback must be reachable; anywhere else this would let customers reach what is behind the firewall. */
export const LOOPBACK_NETWORKS = '127.0.0.0/8,::1/128';

/** Not the apps' business: npm's, ours, and any secret that its row does not ask for. */
const notInherited = /^(npm_|NATS_|INIT_CWD$|SPILLWAY_(REENTERED|ADMIN_KEY|MASTER_KEY|DEDUPE_REDIS_URL|DATA_DIR)$)/;

/** @param {NodeJS.ProcessEnv} env */
export const inherited = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !notInherited.test(name)));

/**
 * @typedef {import('./settings.mjs').Settings} Settings
 * @typedef {import('./secrets.mjs').Secrets & { SPILLWAY_DEDUPE_REDIS_URL?: string }} Secrets
 */

/** @param {Settings} settings @param {Secrets} secrets @param {string} user */
const plane = (settings, secrets, user) => ({
  SPILLWAY_PORT_BASE: String(settings.portBase),
  SPILLWAY_BIND: settings.bind,
  SPILLWAY_WORLDS_FILE: dataPaths(settings.dataFolder).worlds,
  NATS_URL: natsUrl(settings),
  NATS_USER: user,
  NATS_PASSWORD: secrets.natsPasswords[user],
});

/** What one app is told beside what it inherits: its own user, and only the secrets of its row. @param {Settings} settings @param {Secrets} secrets @param {import('./apps.mjs').AppRow} app @returns {Record<string, string>} */
export const environmentOf = (settings, secrets, app) => ({
  ...plane(settings, secrets, app.name),
  ...(app.asksBroker && { NATS_MONITOR_URL: monitorUrl(settings) }),
  ...Object.fromEntries(app.secrets.map((name) => [name, /** @type {Record<string, any>} */ (secrets)[name]]).filter(([, value]) => value)),
  SPILLWAY_ALLOW_NETWORKS: settings.env.SPILLWAY_ALLOW_NETWORKS ?? LOOPBACK_NETWORKS,
});

/** @param {Settings} settings @param {Secrets} secrets @returns {Record<string, string>} */
export const provisionerEnvironment = (settings, secrets) => ({ ...plane(settings, secrets, provisioner), NATS_MONITOR_URL: monitorUrl(settings) });

/** For `nx serve <app>` and for operators: one file a user, as node --env-file reads it. @param {Settings} settings @param {Secrets} secrets */
export const writeEnvironments = (settings, secrets) => {
  const write = (/** @type {string} */ name, /** @type {Record<string, string>} */ values) => {
    const lines = Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    writeFileSync(dataPaths(settings.dataFolder).environment(name), `${lines.join('\n')}\n`, { mode: 0o600 });
  };
  for (const app of settings.apps) write(app.name, environmentOf(settings, secrets, app));
  write(provisioner, provisionerEnvironment(settings, secrets));
};

/** For `npx spillway`, which then needs to be told nothing. @param {Settings} settings @param {Secrets} secrets */
export const writeCliProfile = (settings, secrets) => {
  const urlOf = (/** @type {string} */ name) => settings.apps.filter((app) => app.name === name).map((app) => appUrl(settings, app))[0];
  const profile = { console: urlOf('console'), ingest: urlOf('ingest'), key: secrets.SPILLWAY_ADMIN_KEY };
  writeFileSync(dataPaths(settings.dataFolder).cliProfile, `${JSON.stringify(profile, undefined, 2)}\n`, { mode: 0o600 });
};

