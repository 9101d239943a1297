import * as fc from 'fast-check';
import { matchesType, wantsType } from './matches-type.ts';

// each segment ends with a dot, so that `**` is "any number of segments with their dots"
const asPattern = (part: string): string => (part === '**' ? String.raw`(\w+\.)*` : part === '*' ? String.raw`\w+\.` : String.raw`${part}\.`);
const meaning = (wanted: string[]): RegExp => new RegExp(`^${wanted.map(asPattern).join('')}$`);

describe('matchesType', () => {
  it.each([
    ['invoice.paid', 'invoice.paid', true],
    ['invoice.paid', 'invoice.paid.v2', false],
    ['invoice.*', 'invoice.paid', true],
    ['invoice.*', 'invoice', false],
    ['invoice.*', 'invoice.paid.v2', false],
    ['*.paid', 'invoice.paid', true],
    ['*', 'invoice', true],
    ['*', 'invoice.paid', false],
    ['**', 'invoice', true],
    ['**', 'invoice.paid.v2', true],
    ['invoice.**', 'invoice', true],
    ['invoice.**', 'invoice.paid.v2', true],
    ['invoice.**', 'invoices.paid', false],
    ['**.paid', 'paid', true],
    ['**.paid', 'a.b.paid', true],
    ['**.paid', 'a.paid.b', false],
    ['a.**.b.*', 'a.x.b.y.b.z', true],
    ['a.**.b.*', 'a.x.b', false],
    ['*.**', 'a', true],
    ['**.*.**', 'a', true],
    ['**.*.*', 'a', false],
  ])('%s against %s is %s', (filter, type, expected) => {
    expect(matchesType(filter, type)).toBe(expected);
  });

  it('agrees with the regular expression that says the same', () => {
    const segment = fc.constantFrom('a', 'b');
    const filter = fc.array(fc.oneof(segment, fc.constantFrom('*', '**')), { minLength: 1, maxLength: 6 });
    const type = fc.array(segment, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(filter, type, (wanted, given) => {
        expect(matchesType(wanted.join('.'), given.join('.'))).toBe(meaning(wanted).test(`${given.join('.')}.`));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not blow up on a filter made to blow it up', () => {
    const started = performance.now();
    expect(matchesType(Array.from({ length: 40 }, () => '**.a').join('.'), Array.from({ length: 60 }, () => 'a').join('.').concat('.b'))).toBe(false);
    // microseconds; recursion would take longer than the age of the machine
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('takes everything when nothing was asked for, and nothing when none of the filters fits', () => {
    expect(wantsType(undefined, 'invoice.paid')).toBe(true);
    expect(wantsType(['order.*', 'invoice.*'], 'invoice.paid')).toBe(true);
    expect(wantsType(['order.*'], 'invoice.paid')).toBe(false);
  });
});
