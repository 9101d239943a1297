import { inherited, provisionerEnvironment } from './environment.mjs';
import { Refusal } from '../refusal.mjs';
import { CommandFailed, runCommand } from '../run-command.mjs';

export const PROVISIONER_MAIN = 'apps/cli/dist/main.js';

/**
 * Streams, consumers and buckets as `libs/topology` declares them: made once here, never by the apps.
 * @param {import('./settings.mjs').Settings} settings
 * @param {{ secrets: import('./secrets.mjs').Secrets, main?: string }} parts
 */
export const provision = async (settings, { secrets, main = PROVISIONER_MAIN }) => {
  try {
    await runCommand(process.execPath, ['--enable-source-maps', main, 'provision'], {
      cwd: settings.root,
      env: { ...inherited(settings.env), ...provisionerEnvironment(settings, secrets) },
    });
  } catch (error) {
    const said = error instanceof CommandFailed ? error.output : '';
    throw new Refusal(`The streams could not be provisioned (npx spillway provision):\n${said || /** @type {Error} */ (error).message}`, { cause: error });
  }
};
