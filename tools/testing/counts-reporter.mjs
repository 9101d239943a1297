import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** From the last test to the end of the process: what is still open then (a server, a broker, a timer) will never be closed. */
const END_WITHIN_MS = 30_000;
const ROOT = join(import.meta.dirname, '..', '..');

/** @param {string} project @param {string} target */
export const countsFile = (project, target) => join(ROOT, 'tmp', 'counts', `${project}-${target}.json`);

/**
 * Writes what one jest run counted to a file that nx keeps with the cached result, so that `npm test` counts the tests of a project that had no
 * reason to run again too. Outside nx it writes nothing.
 */
export default class CountsReporter {
  /** @param {Set<unknown>} _contexts @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, numRuntimeErrorTestSuites: number }} results */
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
    };
    mkdirSync(join(ROOT, 'tmp', 'counts'), { recursive: true });
    writeFileSync(countsFile(project, target), JSON.stringify(counts));
  }
}
