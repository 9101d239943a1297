import { mainFile } from './apps.mjs';
import { environmentOf, inherited } from './environment.mjs';
import { untilReady } from './readiness.mjs';
import { appUrl } from './settings.mjs';

/** An app drains for at most 10 s; then it has had its time. */
const STOP_WITHIN_MS = 12_000;

/**
 * @param {import('./settings.mjs').Settings} settings
 * @param {{ secrets: import('./secrets.mjs').Secrets, processes: import('./processes.mjs').Processes, say: (text: string) => void, signal: AbortSignal, died: (name: string, deathsInARow: number) => void }} parts
 */
export const startApps = async (settings, { secrets, processes, say, signal, died }) => {
  say(`starting ${settings.apps.map(({ name }) => name).join(', ')} …`);
  for (const app of settings.apps) {
    processes.start(
      {
        name: app.name,
        command: process.execPath,
        args: ['--enable-source-maps', mainFile(app)],
        cwd: settings.root,
        env: { ...inherited(settings.env), ...environmentOf(settings, secrets, app) },
        stopWithinMs: STOP_WITHIN_MS,
      },
      (deathsInARow) => died(app.name, deathsInARow),
    );
  }
  await untilReady(
    settings.apps.map((app) => ({ name: app.name, url: `${appUrl(settings, app)}/readyz` })),
    { say, signal },
  );
};
