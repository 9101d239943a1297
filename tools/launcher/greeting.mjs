import { LOOPBACK_NETWORKS } from './environment.mjs';
import { appUrl, monitorUrl, natsUrl } from './settings.mjs';

/** @param {string} bind */
const isLoopback = (bind) => bind === '127.0.0.1' || bind === '::1' || bind === 'localhost';

/** @param {import('./settings.mjs').Settings} settings */
const warnings = ({ env, bind }) => [
  ...(env.SPILLWAY_ALLOW_NETWORKS === undefined
    ? [`  NOTE  endpoints on this machine are allowed (SPILLWAY_ALLOW_NETWORKS=${LOOPBACK_NETWORKS}): right for a trial, wrong where customers name the URLs.`]
    : []),
  ...(isLoopback(bind) ? [] : [`  NOTE  the apps listen on ${bind}: whoever reaches this machine reaches them. There is no TLS here.`]),
];

/** @param {import('./settings.mjs').Settings} settings @param {{ adminKey: string, seconds: string }} facts */
export const greeting = (settings, { adminKey, seconds }) => {
  const app = (/** @type {string} */ name) => settings.apps.find((row) => row.name === name);
  const [ingest, console] = [app('ingest'), app('console')];
  const receiver = settings.portBase + 20;
  const headers = `-H "authorization: Bearer $KEY" -H 'content-type: application/json'`;
  return [
    '',
    `Spillway is ready after ${seconds} s.`,
    '',
    ...settings.apps.map((row) => `  ${row.name.padEnd(12)}${appUrl(settings, row)}`),
    `  ${'nats'.padEnd(12)}nats://${natsUrl(settings)}  (monitoring ${monitorUrl(settings)})`,
    `  ${'data, logs'.padEnd(12)}${settings.dataFolder}`,
    `  ${'admin key'.padEnd(12)}${adminKey}`,
    '',
    ...warnings(settings),
    ...(ingest && console
      ? [
          '',
          'A first event, in another terminal: a receiver, an endpoint for it, and an event.',
          '',
          `  KEY=${adminKey}`,
          `  node -e 'require("http").createServer((q,s)=>{console.log(q.headers);q.pipe(process.stdout);s.end()}).listen(${receiver})' &`,
          `  curl -s ${appUrl(settings, console)}/v1/tenants/acme/endpoints ${headers} -d '{"url":"http://127.0.0.1:${receiver}/"}'`,
          `  curl -s ${appUrl(settings, ingest)}/v1/events ${headers} -d '{"tenant":"acme","type":"invoice.paid","data":{"amount":42}}'`,
        ]
      : []),
    '',
    'Ctrl-C stops all of it.',
    '',
  ].join('\n');
};
