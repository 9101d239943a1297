import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countsFile } from './counts-reporter.mjs';
import { tallyTask } from './tally.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const REPORTER = join(import.meta.dirname, 'counts-reporter.mjs');
const TASK = { project: 'example', target: 'test' };

const dir = mkdtempSync(join(tmpdir(), 'counts-reporter-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/**
 * Runs jest over test files of its own, in one process, as nx does.
 * @param {string} name @param {Record<string, string>} files @param {number} endWithinMs
 */
const run = async (name, files, endWithinMs = 60_000) => {
  const rootDir = join(dir, name);
  mkdirSync(rootDir);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(rootDir, file), text);
  const config = { rootDir, testEnvironment: 'node', transform: {}, reporters: [[REPORTER, { folder: rootDir, endWithinMs }]], cacheDirectory: join(rootDir, 'cache') };
  const jest = spawn(process.execPath, [join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js'), '--runInBand', '--config', JSON.stringify(config)], {
    cwd: rootDir,
    env: { ...process.env, NX_TASK_TARGET_PROJECT: TASK.project, NX_TASK_TARGET_TARGET: TASK.target },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const output of [jest.stdout, jest.stderr]) output.resume();
  const [exitCode] = await once(jest, 'exit');
  const counts = JSON.parse(readFileSync(countsFile(TASK.project, TASK.target, rootDir), 'utf8'));
  return { exitCode, end: counts.end, complaints: tallyTask(TASK, exitCode ?? 1, counts).complaints };
};

const GREEN = `it('is green', () => undefined);`;

/** What a test leaves behind, to happen once the run has been counted. @param {string} name @param {string} then */
const after = (name, then) => `
  const { existsSync } = require('node:fs');
  const process = globalThis.process;
  it('is green', () => {
    const looking = setInterval(() => {
      if (!existsSync(${JSON.stringify(join(dir, name, 'example-test.json'))})) return;
      clearInterval(looking);
      ${then}
    }, 10);
  });`;

describe('how the process of a test run ends after its last test', () => {
  it('is not worth a word when it ends', async () => {
    expect(await run('green', { 'green.spec.js': GREEN })).toEqual({ exitCode: 0, end: undefined, complaints: [] });
    const { exitCode, end, complaints } = await run('red', { 'red.spec.js': `it('is red', () => { throw new Error('why'); });` });
    expect([exitCode, end, complaints]).toEqual([1, undefined, ['example:test: 1 failed', expect.stringContaining('“is red”: Error: why')]]);
  });

  it('is told when something is left open: what, and since which file', async () => {
    const files = {
      'first.spec.js': `${GREEN} ${'// the largest file runs first'.padEnd(5_000)}`,
      'leaks.spec.js': `
        it('is green', async () => {
          setInterval(() => undefined, 1_000);
          const server = require('node:net').createServer().listen(0, '127.0.0.1');
          await new Promise((done) => server.once('listening', done));
          await new Promise((done) => require('node:net').connect(server.address().port, '127.0.0.1', done));
          require('node:child_process').spawn('cat', ['-'], { stdio: ['pipe', 'ignore', 'ignore'] }).stdin.unref();
        });`,
    };
    const { exitCode, complaints } = await run('open', files, 500);
    expect([exitCode, complaints[0]]).toEqual([1, 'example:test: 1 failed']);
    expect(complaints[1]).toMatch(/the process did not end within 0\.5 s after the last test, still open: /);
    for (const named of [/Timeout ×1 \(since .*leaks\.spec\.js\)/, /TCPSocketWrap ×\d/, /ProcessWrap ×1/, /server on port \d+/, /socket from port \d+ to \d+/, /process \d+ \(cat -\)/]) expect(complaints[1]).toMatch(named);
    expect(complaints[1]).not.toMatch(/PipeWrap/); // what the run itself writes to
  });

  it.each([
    ['thrown', `throw new Error('too late');`, /^uncaught after the last test: too late at .*late\.spec\.js/],
    ['rejected', `void Promise.reject(new Error('too late'));`, /^an unhandled rejection after the last test: too late at .*late\.spec\.js/],
    ['left', `process.exit(3);`, /^the process ended with exit code 3 after the last test$/],
    ['killed', `process.kill(process.pid, 'SIGKILL');`, /^the process did not end by itself after the last test: it crashed, or was killed$/],
  ])('is told when it is %s', async (name, then, told) => {
    const { exitCode, end, complaints } = await run(name, { 'late.spec.js': after(name, then) });
    expect([exitCode === 0, end]).toEqual([false, expect.stringMatching(told)]);
    expect(complaints).toEqual(['example:test: 1 failed', `  ${end}`]);
  });
});
