import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../refusal.mjs';
import { CommandFailed, runCommand } from '../run-command.mjs';

/**
 * One incremental compiler run over the apps and, by their references, the libraries they use: 0.3 s when nothing changed. The same command as nx's
 * build targets run project by project, without starting nx and a process for each.
 * @param {{ root: string, apps: readonly string[], say: (text: string) => void }} options
 */
export const build = async ({ root, apps, say }) => {
  const configs = apps.map((app) => `apps/${app}/tsconfig.build.json`).filter((file) => existsSync(join(root, file)));
  const began = Date.now();
  say('building …');
  try {
    await runCommand(join(root, 'node_modules', '.bin', 'tsc'), ['-b', ...configs], { cwd: root, timeoutMs: 600_000 });
  } catch (error) {
    throw new Refusal(`The build failed:\n${error instanceof CommandFailed ? error.output : String(error)}`, { cause: error });
  }
  say(`built in ${((Date.now() - began) / 1_000).toFixed(1)} s`);
};
