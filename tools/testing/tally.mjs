/**
 * @typedef {{ passed: number, failed: number, skipped: number, brokenFiles: number, failures: string[], end?: string | undefined }} Counts
 *   `brokenFiles`: did not get as far as a test (a syntax error, a failed import); `end`: how the process ended after the last test, if not as it should
 * @typedef {{ project: string, target: string }} Task
 * @typedef {{ passed: number, failed: number, skipped: number, complaints: string[] }} Tally
 */

/** A test target that ends without counts has not run its tests, whatever its exit code. */
const countsTests = (/** @type {string} */ target) => target === 'test' || target === 'faults';

/**
 * One task's part in the closing line. Tests count one by one; a failing lint, typecheck or build, a test run that broke off and a task that was never
 * started (something it stands on failed) count one each, so that nothing red can hide behind "0 failed".
 * @param {Task} task @param {number | undefined} exitCode undefined: not run @param {Counts | undefined} counts @returns {Tally}
 */
export const tallyTask = ({ project, target }, exitCode, counts) => {
  const none = { passed: 0, failed: 0, skipped: 0, complaints: [] };
  if (exitCode === undefined) return { ...none, failed: 1, complaints: [`${project}:${target} was not run`] };
  if (!countsTests(target)) return exitCode === 0 ? none : { ...none, failed: 1, complaints: [`${project}:${target} failed`] };
  if (!counts) return { ...none, failed: 1, complaints: [`${project}:${target} ended without counting its tests (exit code ${exitCode})`] };
  const red = counts.failed + counts.brokenFiles;
  // green tests and a red exit code: something outside the tests, a process that would not end, an error after the last one
  const failed = red === 0 && exitCode !== 0 ? 1 : red;
  const reasons = [...counts.failures, ...(failed > 0 ? endOf(counts, exitCode) : [])];
  return { passed: counts.passed, failed, skipped: counts.skipped, complaints: failed > 0 ? [`${project}:${target}: ${failed} failed`, ...reasons.map((reason) => `  ${reason}`)] : [] };
};

/** @param {Counts} counts @param {number} exitCode @returns {string[]} what belongs to no test */
const endOf = ({ failures, end }, exitCode) => {
  if (end !== undefined) return [end];
  return failures.length > 0 ? [] : [`no test failed, and the exit code is ${exitCode}`];
};

/** @param {Tally[]} tallies @returns {Tally} */
export const sum = (tallies) => ({
  passed: tallies.reduce((total, { passed }) => total + passed, 0),
  failed: tallies.reduce((total, { failed }) => total + failed, 0),
  skipped: tallies.reduce((total, { skipped }) => total + skipped, 0),
  complaints: tallies.flatMap(({ complaints }) => complaints),
});
