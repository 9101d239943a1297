import { dedupeRedisPortOffset } from './apps.mjs';
import { DEDUPE_REDIS } from './dedupe-redis.mjs';
import { LOOPBACK_NETWORKS } from './environment.mjs';
import { appUrl, monitorUrl, natsUrl } from './settings.mjs';

/** @param {string} bind */
const isLoopback = (bind) => bind === '127.0.0.1' || bind === '::1' || bind === 'localhost';

/** @param {import('./settings.mjs').Settings} settings @param {boolean} hasRedis */
const warnings = ({ env, bind }, hasRedis) => [
  ...(hasRedis ? [] : ['  NOTE  there is no Redis: duplicates are known for two minutes instead of a day, by id only. Install redis-server 7 or newer, or set REDIS_SERVER_BIN.']),
  ...(env.SPILLWAY_ALLOW_NETWORKS === undefined
    ? [`  NOTE  endpoints on this machine are allowed (SPILLWAY_ALLOW_NETWORKS=${LOOPBACK_NETWORKS}): right for a trial, wrong where customers name the URLs.`]
    : []),
  ...(isLoopback(bind) ? [] : [`  NOTE  the apps listen on ${bind}: whoever reaches this machine reaches them. There is no TLS here.`]),
];

/** @param {import('./settings.mjs').Settings} settings @param {{ adminKey: string, hasRedis: boolean, seconds: string }} facts */
export const greeting = (settings, { adminKey, hasRedis, seconds }) => {
  const app = (/** @type {string} */ name) => settings.apps.find((row) => row.name === name);
  const [ingest, console] = [app('ingest'), app('console')];
  const receiver = settings.portBase + 20;
  const headers = `-H "authorization: Bearer $KEY" -H 'content-type: application/json'`;
  return [
    '',
    `Spillway is ready after ${seconds} s.`,
    '',
    ...settings.apps.map((row) => `  ${row.name.padEnd(14)}${appUrl(settings, row)}`),
    `  ${'nats'.padEnd(14)}nats://${natsUrl(settings)}  (monitoring ${monitorUrl(settings)})`,
    ...(hasRedis && !settings.env.SPILLWAY_DEDUPE_REDIS_URL ? [`  ${DEDUPE_REDIS.padEnd(14)}127.0.0.1:${settings.portBase + dedupeRedisPortOffset}`] : []),
    `  ${'data, logs'.padEnd(14)}${settings.dataFolder}`,
    `  ${'admin key'.padEnd(14)}${adminKey}`,
    '',
    ...warnings(settings, hasRedis),
    ...(ingest && console
      ? [
          '',
          'A first event, in another terminal: a receiver, an endpoint for it, and an event.',
          '',
          `  KEY=${adminKey}`,
          `  node -e 'require("http").createServer((q,s)=>{console.log(q.headers);q.pipe(process.stdout);s.end()}).listen(${receiver})' & sleep 1`,
          `  curl -s ${appUrl(settings, console)}/v1/tenants/acme/endpoints ${headers} -d '{"url":"http://127.0.0.1:${receiver}/"}'`,
          `  curl -s ${appUrl(settings, ingest)}/v1/events ${headers} -d '{"tenant":"acme","type":"invoice.paid","data":{"amount":42}}'`,
        ]
      : []),
    '',
    'Ctrl-C stops all of it.',
    '',
  ].join('\n');
};
