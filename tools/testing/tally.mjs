/**
 * @typedef {{ passed: number, failed: number, skipped: number, brokenFiles: number, failures: string[] }} Counts
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
  return { passed: counts.passed, failed, skipped: counts.skipped, complaints: failed > 0 ? [`${project}:${target}: ${failed} failed`, ...counts.failures.map((failure) => `  ${failure}`)] : [] };
};

/** @param {Tally[]} tallies @returns {Tally} */
export const sum = (tallies) => ({
  passed: tallies.reduce((total, { passed }) => total + passed, 0),
  failed: tallies.reduce((total, { failed }) => total + failed, 0),
  skipped: tallies.reduce((total, { skipped }) => total + skipped, 0),
  complaints: tallies.flatMap(({ complaints }) => complaints),
});
