import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { until } from '../launcher/stand-in/run.mjs';

const folder = mkdtempSync(join(tmpdir(), 'spillway-serve-'));
/** @type {import('node:child_process').ChildProcess} */
let serving;
let output = '';
/** @type {Promise<number | null>} */
let ended;

/** Stands for an app: says which version of its part it runs, and goes when told to, taking its time. */
const app = `import { version } from './part.ts';
process.on('SIGTERM', () => setTimeout(() => { console.log('drained ' + version + ' as ' + process.pid); process.exit(0); }, 50));
console.log('runs ' + version + ' as ' + process.pid);
setInterval(() => undefined, 1_000);`;

const write = (/** @type {string} */ name, /** @type {string} */ text) => writeFileSync(join(folder, 'src', name), text);
const version = (/** @type {number} */ n) => `export const version = 'v${n}';\n`;
const says = (/** @type {string | RegExp} */ text) => until(() => (typeof text === 'string' ? output.includes(text) : text.test(output)), () => `not said: ${text}\n${output}`);

beforeAll(async () => {
  mkdirSync(join(folder, 'src'));
  write('part.ts', version(1));
  write('main.ts', app);
  const { href } = pathToFileURL(join(import.meta.dirname, 'reloading-process.mjs'));
  const given = JSON.stringify({ folders: [join(folder, 'src')], command: process.execPath, args: [join(folder, 'src', 'main.ts')] });
  const code = `const { serveUntilStopped } = await import(${JSON.stringify(href)}); process.exitCode = await serveUntilStopped(${given});`;
  serving = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [serving.stdout, serving.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text));
  ended = new Promise((resolve) => void serving.once('exit', resolve));
  await says('runs v1');
});
afterAll(() => {
  serving.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

it('starts again on every change, however the file was written, and drains what ran', async () => {
  write('part.ts', version(2));
  await says('runs v2');
  expect(output).toContain('drained v1');
  for (const n of [3, 4, 5]) {
    // as sed -i, git and most editors do it: a new file in the old one's place
    write('.part.ts.swp', version(n));
    renameSync(join(folder, 'src', '.part.ts.swp'), join(folder, 'src', 'part.ts'));
    await says(`runs v${n}`);
  }
  expect(output).toContain('src/part.ts changed: starting again');
});

it('sees files in folders that are new, and not what is no source', async () => {
  write('notes.txt', 'nothing of the app');
  write('part.spec.ts', 'a test');
  const before = output.match(/starting again/g)?.length ?? 0;
  mkdirSync(join(folder, 'src', 'deep'));
  await until(() => (output.match(/starting again/g)?.length ?? 0) > before, () => output);
  expect(output).not.toMatch(/notes\.txt|part\.spec/);
  write('deep/more.ts', 'export {};');
  await says('src/deep/more.ts changed');
});

it('waits for the next change when the app does not start', async () => {
  write('part.ts', 'export const version = ;');
  await says(/ended \(exit code 1\); the next change starts it again/);
  write('part.ts', version(6));
  await says('runs v6');
  expect(output.indexOf('runs v6')).toBeGreaterThan(output.indexOf('the next change starts it again'));
});

it('stops with the app, which hears of it once', async () => {
  serving.kill('SIGINT');
  expect(await ended).toBe(0);
  // one save may be seen as two changes, so v6 may have been started twice: the last one is meant
  const pid = Number([...output.matchAll(/runs v6 as (\d+)/g)].at(-1)?.[1]);
  expect(output.match(new RegExp(`drained v6 as ${pid}\\b`, 'g'))).toHaveLength(1);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
