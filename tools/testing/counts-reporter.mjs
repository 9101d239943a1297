import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { watchTheEnd } from './after-the-tests.mjs';
import { openResources } from './still-open.mjs';

/** From the last test to the end of the process: what is still open then (a server, a broker, a timer) will never be closed. */
const END_WITHIN_MS = 30_000;
const ROOT = join(import.meta.dirname, '..', '..');
const COUNTS_FOLDER = join(ROOT, 'tmp', 'counts');

/** @param {string} project @param {string} target */
export const countsFile = (project, target, folder = COUNTS_FOLDER) => join(folder, `${project}-${target}.json`);

/** Enough of a failure to know it again by, where only the end of the output is kept. */
const MESSAGE_LINES = 6;

/** @param {string | undefined} message */
const shortened = (message = '') => message.split('\n').map((line) => stripVTControlCharacters(line).trim()).filter((line) => line !== '').slice(0, MESSAGE_LINES).join(' | ');

/** @typedef {{ testFilePath: string, failureMessage?: string | null, testResults: { status: string, fullName: string, failureMessages?: string[] }[] }} FileResult */

/** @param {FileResult} file @returns {string[]} each red test of a file, or the file itself if it did not get as far as a test */
const failuresOf = ({ testFilePath, failureMessage, testResults }) => {
  const name = relative(ROOT, testFilePath);
  const red = testResults.filter(({ status }) => status === 'failed').map(({ fullName, failureMessages }) => `${name}: “${fullName}”: ${shortened(failureMessages?.[0])}`);
  return red.length === 0 && failureMessage ? [`${name}: ${shortened(failureMessage)}`] : red;
};

/** @typedef {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, numRuntimeErrorTestSuites: number, success: boolean, testResults: FileResult[] }} Results */

/** @param {Results} results @returns {import('./tally.mjs').Counts} */
const countsOf = (results) => ({
  passed: results.numPassedTests,
  failed: results.numFailedTests,
  skipped: results.numPendingTests + results.numTodoTests,
  brokenFiles: results.numRuntimeErrorTestSuites,
  failures: results.testResults.flatMap(failuresOf),
});

/**
 * Writes what one jest run counted, and how its process ended, to a file that nx keeps with the cached result, so that `npm test` counts the tests of a project
 * that had no reason to run again too. Outside nx it writes nothing.
 */
export default class CountsReporter {
  /** @type {import('./still-open.mjs').AfterFile[]} */
  files = [];

  /** @param {unknown} _config @param {{ folder?: string, endWithinMs?: number }} options */
  constructor(_config, { folder = COUNTS_FOLDER, endWithinMs = END_WITHIN_MS } = {}) {
    this.folder = folder;
    this.endWithinMs = endWithinMs;
  }

  /** @param {{ path: string }} test */
  onTestFileResult({ path }) {
    this.files.push({ file: relative(ROOT, path), resources: openResources() });
  }

  /** @param {Set<unknown>} _contexts @param {Results} results */
  onRunComplete(_contexts, results) {
    const { NX_TASK_TARGET_PROJECT: project, NX_TASK_TARGET_TARGET: target } = process.env;
    if (!project || !target) return;
    const counts = countsOf(results);
    mkdirSync(this.folder, { recursive: true });
    const tell = (/** @type {string | undefined} */ end) => writeFileSync(countsFile(project, target, this.folder), JSON.stringify({ ...counts, end }));
    watchTheEnd({ root: ROOT, withinMs: this.endWithinMs, files: this.files, exitCode: results.success ? 0 : 1, tell });
  }
}
