/**
 * What `npm start` runs, and what `npm run infra` prepares for: one row an app. A new app is a new row.
 *
 * @typedef {object} AppRow
 * @property {string} name its folder below apps/, and its NATS user
 * @property {number} portOffset added to SPILLWAY_PORT_BASE
 * @property {readonly string[]} secrets what it is given beside its own NATS password; no app is given a secret that it does not use
 * @property {boolean} [asksBroker] may reach NATS's monitoring port: whoever must see that the server syncs, and nobody else
 * @property {string} [main] the built file, when it is not apps/<name>/dist/main.js
 */

/** @type {readonly AppRow[]} */
export const apps = [
  { name: 'ingest', portOffset: 0, secrets: ['SPILLWAY_ADMIN_KEY'], asksBroker: true },
  { name: 'console', portOffset: 1, secrets: ['SPILLWAY_ADMIN_KEY', 'SPILLWAY_MASTER_KEY'] },
  { name: 'dedupe', portOffset: 4, secrets: ['SPILLWAY_DEDUPE_REDIS_URL'] },
  { name: 'dispatcher', portOffset: 5, secrets: ['SPILLWAY_MASTER_KEY'] },
  { name: 'retrier', portOffset: 6, secrets: ['SPILLWAY_MASTER_KEY'] },
];

/** What the apps stand on, after their own ports. */
export const natsPortOffset = 10;
export const monitorPortOffset = 11;
export const dedupeRedisPortOffset = 12;

/** The user that makes streams, consumers and buckets, and that `npx spillway streams` speaks as. */
export const provisioner = 'provisioner';

/**
 * Every NATS user there is, also those of apps that are still to come, so that a data directory made today fits them.
 * The inbox is not among them and never will be: it has no business with this NATS.
 */
export const natsUsers = ['ingest', 'dedupe', 'dispatcher', 'retrier', 'watchdog', 'console', provisioner];

/** @param {AppRow} app */
export const mainFile = (app) => app.main ?? `apps/${app.name}/dist/main.js`;
