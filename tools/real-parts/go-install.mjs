import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runCommand } from '../run-command.mjs';

/** @returns {Promise<string | undefined>} why this way is closed on this machine */
export const goIsMissing = async () => {
  try {
    await runCommand('go', ['version']);
    return undefined;
  } catch {
    return 'no Go on this machine';
  }
};

/**
 * @param {{ module: string, version: string, target: string, folder: string, env: NodeJS.ProcessEnv }} wanted
 */
export const fetchWithGo = async ({ module, version, target, folder, env }) => {
  // CGO off: the binary then needs no compiler here and no libc of this machine later
  await runCommand('go', ['install', '-trimpath', `${module}@v${version}`], { env: { ...env, GOBIN: folder, CGO_ENABLED: '0' }, timeoutMs: 600_000 });
  // the last path element of a module is its version from v2 on; the binary is named by the one before
  const name = basename(module.replace(/\/v\d+$/, ''));
  await copyFile(join(folder, name), target);
};
