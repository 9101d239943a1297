import { retryAfterMs } from './retry-after.ts';

const noon = new Date('2026-01-01T12:00:00Z');
const dayMs = 86_400_000;

it.each<[text: string | undefined, ms: number | undefined]>([
  ['0', 0],
  ['90', 90_000],
  [' 90 ', 90_000],
  ['007', 7_000],
  ['1000000000', dayMs],
  ['9'.repeat(400), dayMs],
  ['Thu, 01 Jan 2026 12:01:30 GMT', 90_000],
  ['Thursday, 01-Jan-26 12:01:30 GMT', 90_000],
  ['Thu Jan  1 12:01:30 2026', 90_000], // the tests run in Tokyo (jest.config.mjs): read as local time it would be past
  ['Thu, 01 Jan 2099 12:00:00 GMT', dayMs],
  // nothing that we could follow
  [undefined, undefined],
  ['', undefined],
  ['-5', undefined],
  ['+5', undefined],
  ['1.5', undefined],
  ['1e9', undefined],
  ['0x10', undefined],
  ['Infinity', undefined],
  ['90, 120', undefined],
  ['soon', undefined],
  ['2026-01-01T12:01:30Z', undefined],
  ['Thu, 01 Jan 2026 11:59:59 GMT', undefined],
  ['Thu, 99 Foo 2026 12:01:30 GMT', undefined],
])('reads Retry-After %j as %p ms', (text, ms) => {
  expect(retryAfterMs(text, noon)).toBe(ms);
});

it('waits at most as long as we are willing to', () => {
  expect(retryAfterMs('90', noon, 60_000)).toBe(60_000);
});
