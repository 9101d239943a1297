import { isRfc3339 } from './rfc3339.ts';

describe('isRfc3339', () => {
  it.each(['2026-11-22T10:00:00Z', '2026-11-22t10:00:00.123456789z', '2024-02-29T23:59:59+05:30', '2000-02-29T00:00:00-23:59', '0001-01-01T00:00:00Z'])('takes %s', (text) => {
    expect(isRfc3339(text)).toBe(true);
  });

  it.each([
    ['a date alone', '2026-11-22'],
    ['no offset', '2026-11-22T10:00:00'],
    ['a space', '2026-11-22 10:00:00Z'],
    ['a day that does not exist', '2026-02-29T10:00:00Z'],
    ['a century that is no leap year', '1900-02-29T10:00:00Z'],
    ['a month that does not exist', '2026-13-01T10:00:00Z'],
    ['hour 24', '2026-11-22T24:00:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['ten digits of a second', '2026-11-22T10:00:00.1234567890Z'],
    ['a week date of ISO 8601', '2026-W47-7T10:00:00Z'],
    ['something before', ' 2026-11-22T10:00:00Z'],
    ['a line break after', '2026-11-22T10:00:00Z\n'],
    ['a number', 1_763_806_800],
    ['null', null],
  ])('refuses %s', (_, value) => {
    expect(isRfc3339(value)).toBe(false);
  });
});
