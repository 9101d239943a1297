import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** From the last test to the end of the process: what is still open then (a server, a broker, a timer) will never be closed. */
const END_WITHIN_MS = 30_000;
const ROOT = join(import.meta.dirname, '..', '..');

/** @param {string} project @param {string} target */
export const countsFile = (project, target) => join(ROOT, 'tmp', 'counts', `${project}-${target}.json`);

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

/**
 * Writes what one jest run counted to a file that nx keeps with the cached result, so that `npm test` counts the tests of a project that had no
 * reason to run again too. Outside nx it writes nothing.
 */
export default class CountsReporter {
  /** @param {Set<unknown>} _contexts @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, numRuntimeErrorTestSuites: number, testResults: FileResult[] }} results */
  onRunComplete(_contexts, results) {
    const { NX_TASK_TARGET_PROJECT: project, NX_TASK_TARGET_TARGET: target } = process.env;
    if (!project || !target) return;
    // without this a forgotten handle would hold up the whole run for ever; unref'd, so that it is no such handle itself
    setTimeout(() => {
      console.error(`${project}:${target}: the tests are over but the process does not end: something was left open`);
      process.exit(1);
    }, END_WITHIN_MS).unref();
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests,
      skipped: results.numPendingTests + results.numTodoTests,
      /** Files that did not get as far as a test: a syntax error, a failed import. */
      brokenFiles: results.numRuntimeErrorTestSuites,
      failures: results.testResults.flatMap(failuresOf),
    };
    mkdirSync(join(ROOT, 'tmp', 'counts'), { recursive: true });
    writeFileSync(countsFile(project, target), JSON.stringify(counts));
  }
}
