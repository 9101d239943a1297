import { sum, tallyTask } from './tally.mjs';

const counts = { passed: 10, failed: 0, skipped: 0, brokenFiles: 0, failures: /** @type {string[]} */ ([]) };
const of = (/** @type {string} */ target, /** @type {number | undefined} */ exitCode, seen = /** @type {typeof counts | undefined} */ (undefined)) => {
  const { passed, failed } = tallyTask({ project: 'ingest', target }, exitCode, seen);
  return [passed, failed];
};

it('counts tests one by one', () => {
  expect(of('test', 0, counts)).toEqual([10, 0]);
  expect(of('test', 1, { ...counts, failed: 3 })).toEqual([10, 3]);
  expect(of('faults', 0, counts)).toEqual([10, 0]);
});

it('hides nothing red behind green tests', () => {
  expect(of('test', 1, { ...counts, brokenFiles: 1 })).toEqual([10, 1]); // a file that could not be loaded
  expect(of('test', 1, counts)).toEqual([10, 1]); // something failed after the last test
  expect(of('test', 0)).toEqual([0, 1]); // ended without a count
  expect(of('test', undefined)).toEqual([0, 1]); // never started
});

it('counts a red lint, typecheck or build as one', () => {
  expect([of('lint', 1), of('typecheck', 2), of('build', undefined)]).toEqual([
    [0, 1],
    [0, 1],
    [0, 1],
  ]);
  expect(of('lint', 0)).toEqual([0, 0]);
});

it('adds up, and says what was red', () => {
  const tallies = [
    tallyTask({ project: 'ingest', target: 'test' }, 1, { ...counts, failed: 2, skipped: 1, failures: ['a.spec.ts: “one”: why', 'a.spec.ts: “two”: why'] }),
    tallyTask({ project: 'console', target: 'lint' }, 1, undefined),
    tallyTask({ project: 'console', target: 'test' }, 0, counts),
  ];
  expect(sum(tallies)).toEqual({ passed: 20, failed: 3, skipped: 1, complaints: ['ingest:test: 2 failed', '  a.spec.ts: “one”: why', '  a.spec.ts: “two”: why', 'console:lint failed'] });
});

const complaintsOf = (/** @type {number} */ exitCode, /** @type {object} */ over) => tallyTask({ project: 'console', target: 'test' }, exitCode, { ...counts, ...over }).complaints;

it('says what was red outside of the tests', () => {
  const end = 'the process did not end within 30 s after the last test, still open: Timeout ×1';
  expect(complaintsOf(1, { end })).toEqual(['console:test: 1 failed', `  ${end}`]);
  expect(complaintsOf(1, {})).toEqual(['console:test: 1 failed', '  no test failed, and the exit code is 1']);
  expect(complaintsOf(1, { failed: 1, failures: ['a.spec.ts: “one”: why'], end })).toEqual(['console:test: 1 failed', '  a.spec.ts: “one”: why', `  ${end}`]);
  expect(complaintsOf(0, {})).toEqual([]);
});
