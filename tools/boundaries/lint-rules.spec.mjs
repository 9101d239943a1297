import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { canaries } from './canaries.mjs';

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'spillway-canaries-'));

/** @type {Map<string, string[]>} by file */
const messages = new Map();

beforeAll(() => {
  copyFileSync(join(root, '.oxlintrc.json'), join(scratch, '.oxlintrc.json'));
  for (const { file, code } of canaries) {
    mkdirSync(dirname(join(scratch, file)), { recursive: true });
    writeFileSync(join(scratch, file), `${code}\n`);
  }
  const { stdout } = spawnSync(join(root, 'node_modules', '.bin', 'oxlint'), ['--format', 'json', '.'], { cwd: scratch, encoding: 'utf8' });
  for (const { code, message, help, filename } of JSON.parse(stdout).diagnostics) {
    if (code.startsWith('eslint(no-restricted-')) messages.set(filename, [...(messages.get(filename) ?? []), `${message} ${help ?? ''}`]);
  }
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it.each(canaries.filter(({ refused }) => refused))('refuses $code in $file', ({ file, refused }) => {
  expect(messages.get(file)?.join('\n')).toContain(refused);
});

it.each(canaries.filter(({ refused }) => !refused))('lets $file pass', ({ file }) => {
  expect(messages.get(file)).toBeUndefined();
});
