// npx nx serve <app>: the app from its sources, with the settings that npm run infra wrote for it, started again on each change.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceFolders } from './serve/source-folders.mjs';
import { serveUntilStopped } from './serve/reloading-process.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [app, folder] = process.argv.slice(2);
if (!app || !folder) throw new Error('wanted: node tools/serve.mjs <app> <its folder>');

process.exitCode = await serveUntilStopped({
  folders: sourceFolders(root, folder),
  command: process.execPath,
  args: [
    '--enable-source-maps',
    '--conditions=@spillway/source',
    `--env-file-if-exists=${join(process.env.SPILLWAY_DATA_DIR || join(root, '.spillway'), `env.${app}`)}`,
    '--import',
    new URL('swc-hook.mjs', import.meta.url).href,
    join(root, folder, 'src', 'main.ts'),
  ],
});
