import { say } from '../say.mjs';
import { build } from './build.mjs';
import { greeting } from './greeting.mjs';
import { launch } from './launch.mjs';
import { prepare } from './prepare.mjs';
import { readSettings } from './settings.mjs';

/** @param {{ root: string, args: string[], env: NodeJS.ProcessEnv }} given */
export const npmStart = async ({ root, args, env }) => {
  const settings = readSettings({ root, command: 'npm start', args, env });
  const ready = await prepare(settings, { say });
  if ('exitCode' in ready) return ready.exitCode;
  const names = [...settings.apps.map(({ name }) => name), 'cli'];
  return launch(settings, {
    lock: ready.lock,
    say,
    withApps: true,
    build: () => build({ root, apps: names, say }),
    greeting: (facts) => greeting(settings, facts),
  });
};
