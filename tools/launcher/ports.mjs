import { createServer } from 'node:net';
import { Refusal } from '../refusal.mjs';
import { dedupeRedisPortOffset, monitorPortOffset, natsPortOffset } from './apps.mjs';

/** @typedef {{ port: number, host: string, name: string }} PortUse */

/** @param {import('./settings.mjs').Settings} settings @returns {PortUse[]} */
export const portsOf = ({ apps, portBase, bind }) => [
  ...apps.map(({ name, portOffset }) => ({ name, port: portBase + portOffset, host: bind })),
  { name: 'NATS', port: portBase + natsPortOffset, host: '127.0.0.1' },
  { name: 'NATS’s monitoring', port: portBase + monitorPortOffset, host: '127.0.0.1' },
  { name: 'dedupe’s Redis', port: portBase + dedupeRedisPortOffset, host: '127.0.0.1' },
];

/** By listening there for a moment: whatever else could be asked, this is what the app will do. @param {PortUse} use @returns {Promise<string | undefined>} */
const whyNot = ({ port, host }) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });

/** @param {PortUse} use @param {string} why */
const inWords = ({ port, host, name }, why) => {
  if (why === 'EADDRINUSE') return `port ${port} (${name}) is taken on ${host}`;
  if (why === 'EACCES') return `port ${port} (${name}) may not be used by this user`;
  if (why === 'EADDRNOTAVAIL') return `${host} (SPILLWAY_BIND) is no address of this machine`;
  return `port ${port} (${name}) cannot be used on ${host}: ${why}`;
};

/** @param {import('./settings.mjs').Settings} settings */
export const requireFreePorts = async (settings) => {
  const problems = [];
  for (const use of portsOf(settings)) {
    const why = await whyNot(use);
    if (why) problems.push(inWords(use, why));
  }
  if (problems.length === 0) return;
  const other = settings.portBase >= 18_080 ? settings.portBase + 100 : 18_080;
  throw new Refusal(`Spillway cannot start:\n${[...new Set(problems)].map((problem) => `  - ${problem}`).join('\n')}\nStop what uses it, or move all of Spillway’s ports: SPILLWAY_PORT_BASE=${other} ${settings.command}`);
};
