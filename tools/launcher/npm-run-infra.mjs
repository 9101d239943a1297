import { say } from '../say.mjs';
import { build } from './build.mjs';
import { dataPaths } from './data-folder.mjs';
import { launch } from './launch.mjs';
import { prepare } from './prepare.mjs';
import { monitorUrl, natsUrl, readSettings } from './settings.mjs';

/** @param {import('./settings.mjs').Settings} settings @param {{ hasRedis: boolean }} facts */
const greeting = (settings, { hasRedis }) =>
  [
    '',
    'The infrastructure is ready; no app runs.',
    '',
    `  nats      nats://${natsUrl(settings)}  (monitoring ${monitorUrl(settings)}), streams provisioned`,
    `  redis     ${hasRedis ? 'for dedupe, as its settings say' : 'none to be had: dedupe runs without'}`,
    `  settings  ${dataPaths(settings.dataFolder).environment('<app>')}, one file an app, read by nx serve`,
    '',
    ...settings.apps.map(({ name }) => `  npx nx serve ${name}`),
    '',
    'Ctrl-C stops it.',
    '',
  ].join('\n');

/** @param {{ root: string, args: string[], env: NodeJS.ProcessEnv }} given */
export const npmRunInfra = async ({ root, args, env }) => {
  const settings = readSettings({ root, command: 'npm run infra', args, env });
  const ready = await prepare(settings, { say });
  if ('exitCode' in ready) return ready.exitCode;
  return launch(settings, { lock: ready.lock, say, withApps: false, build: () => build({ root, apps: ['cli'], say }), greeting: (facts) => greeting(settings, facts) });
};
