import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogTail, worthShowing } from './log-tail.mjs';

const folder = mkdtempSync(join(tmpdir(), 'spillway-tail-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['{"level":"info","msg":"accepted"}', undefined],
  ['{"level":"warn","time":"t","app":"ingest","msg":"the broker is away","forMs":1200}', 'warn: the broker is away forMs=1200'],
  ['{"level":"error","msg":"no","err":{"message":"refused","stack":"…"}}', 'error: no error=refused'],
  ['{"level":"error","msg":"cut', '{"level":"error","msg":"cut'],
  ['[12] 2026/11/22 12:00:00.0 [INF] Server is ready', undefined],
  ['[12] 2026/11/22 12:00:00.0 [WRN] Plaintext passwords detected, use nkeys or bcrypt', undefined],
  ['[12] 2026/11/22 12:00:00.0 [WRN] Filesystem is slow', 'warn: Filesystem is slow'],
  ['[12] 2026/11/22 12:00:00.0 [FTL] no space', 'error: no space'],
  ['[12] 2026/11/22 12:00:00.0 [WRN] Healthcheck failed: "failed to be ready for connections after 1ms: server"', undefined],
  ['7:M 22 Nov 2026 14:15:00.047 * Ready to accept connections', undefined],
  ['7:C 22 Nov 2026 14:15:00.047 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo', undefined],
  ['7:M 22 Nov 2026 14:15:00.047 # WARNING Memory overcommit must be enabled! Without it, a save may fail', undefined],
  ['7:signal-handler (1795356907) Received SIGTERM scheduling shutdown...', undefined],
  ['7:M 22 Nov 2026 14:15:00.047 # Failed opening the temp RDB file: No space left on device', 'warn: Failed opening the temp RDB file: No space left on device'],
  ['TypeError: x is not a function', 'TypeError: x is not a function'],
  ['', undefined],
])('of %j shows %j', (line, shown) => expect(worthShowing(line)).toBe(shown));

/** @param {string} [before] */
const tail = (before = '') => {
  const file = join(mkdtempSync(join(folder, 'log-')), 'app.log');
  writeFileSync(file, before);
  /** @type {string[]} */
  const shown = [];
  return { file, shown, tail: new LogTail('app', file, (text) => shown.push(text)) };
};

it('shows what comes after it began, whole lines only, and goes on when the file was cut', () => {
  const { file, shown, tail: one } = tail('an old crash\n');
  appendFileSync(file, 'a crash of tod');
  one.look();
  appendFileSync(file, 'ay\n');
  one.look();
  truncateSync(file);
  one.look();
  appendFileSync(file, 'after the cut\n');
  one.close();
  expect(shown).toEqual(['app  a crash of today', 'app  after the cut']);
});

it('does not let one that complains in a loop push everything else away', () => {
  const { file, shown, tail: one } = tail();
  appendFileSync(file, 'oh no\n'.repeat(500));
  one.close();
  expect(shown).toHaveLength(21);
  expect(shown.at(-1)).toBe(`app  … and 480 more lines like these, in ${file}`);
});

it('reads a bounded part of a log that grows faster than anybody reads', () => {
  const { file, shown, tail: one } = tail();
  appendFileSync(file, `${'x'.repeat(99)}\n`.repeat(10_000));
  one.close();
  expect(shown[0]).toContain('faster than can be shown');
  expect(shown.at(-1)).toMatch(/and 2\d{3} more lines/); // of the last 256 KiB
});
