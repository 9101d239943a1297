import { ProblemError } from './problem-error.ts';

const traced = (error: Error): boolean => /^ {4}at /m.test(error.stack ?? '');

it('writes down where it was thrown only of what is ours to look for', () => {
  expect([400, 429, 499, 500, 503].map((status) => traced(new ProblemError(status, 'code', 'detail')))).toEqual([false, false, false, true, true]);
  expect(traced(new Error('of anybody else'))).toBe(true);
});
