// npm start as it is, around the stand-ins: no packages to install, nothing to build.
import { enter } from '../../bootstrap/enter.mjs';

void enter(async () => {
  const { say } = await import('../../say.mjs');
  const { greeting } = await import('../greeting.mjs');
  const { launch } = await import('../launch.mjs');
  const { prepare } = await import('../prepare.mjs');
  const { readSettings } = await import('../settings.mjs');
  const { standIns } = await import('./table.mjs');
  return async ({ root, args, env }) => {
    const asGiven = readSettings({ root, command: 'npm start', args, env, apps: standIns });
    const settings = { ...asGiven, cacheFolder: env.STAND_IN_CACHE || asGiven.cacheFolder };
    const ready = await prepare(settings, { say });
    if ('exitCode' in ready) return ready.exitCode;
    return launch(settings, {
      lock: ready.lock,
      say,
      withApps: true,
      build: async () => undefined,
      provisionerMain: 'tools/launcher/stand-in/provisioner.mjs',
      greeting: (facts) => greeting(settings, facts),
    });
  };
});
