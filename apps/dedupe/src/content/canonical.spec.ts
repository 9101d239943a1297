import { parseIgnoredPath } from '@spillway/contracts';
import { assert, bigInt, integer, jsonValue, property } from 'fast-check';
import { canonicalNumber } from './canonical-number.ts';
import { ignoring, printWithout } from './ignored-paths.ts';
import { readJson } from './json-tree.ts';

const canonical = (text: string, ...paths: string[]): string => printWithout(readJson(text), [ignoring(paths.map((path) => parseIgnoredPath(path) ?? []))]);

describe('a number', () => {
  it.each([
    ['1', '1'],
    ['1.0', '1'],
    ['10e-1', '1'],
    ['0.1e1', '1'],
    ['1200', '12e2'],
    ['12E+2', '12e2'],
    ['-0', '0'],
    ['0e99', '0'],
    ['-1.50', '-15e-1'],
    ['1e400', '1e400'],
    ['10e399', '1e400'],
    ['12345678901234567890', '1234567890123456789e1'],
    ['1e99999999999999999999', '1e99999999999999999999'],
    ['0.1e100000000000000000000', '1e99999999999999999999'],
  ])('%s is %s', (text, one) => {
    expect(canonicalNumber(text)).toBe(one);
  });

  it.each([
    ['12345678901234567890', '12345678901234567000'],
    ['9007199254740993', '9007199254740992'],
    ['0.1', '0.1000000000000000055511151231257827'],
    ['1e400', '1e401'],
    ['1', '1e-400'],
  ])('%s is not %s, although some doubles say so', (a, b) => {
    expect(canonicalNumber(a)).not.toBe(canonicalNumber(b));
  });

  it('of any spelling has one canonical form, which is a number of the same value', () => {
    assert(
      property(bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), integer({ min: 0, max: 40 }), integer({ min: -50, max: 50 }), (value, zeros, shift) => {
        const digits = String(value);
        const spelled = `${digits}${'0'.repeat(zeros)}e${shift - zeros}`;
        const dotted = `${digits}.${'0'.repeat(zeros + 1)}E${shift}`;
        expect(canonicalNumber(spelled)).toBe(canonicalNumber(`${digits}e${shift}`));
        expect(canonicalNumber(dotted)).toBe(canonicalNumber(`${digits}e${shift}`));
        expect(Number(canonicalNumber(spelled)) === Number(`${digits}e${shift}`)).toBe(true);
      }),
    );
  });
});

describe('canonical JSON', () => {
  it.each([
    ['order of members', '{"b":1,"a":{"d":[],"c":{}}}', '{"a":{"c":{},"d":[]},"b":1}'],
    ['white space', ' { "a" :\t[ 1 ,\n2 ] } ', '{"a":[1,2]}'],
    ['escapes', String.raw`{"\u0061":"\u0041\/\u00e9\n\u2028"}`, '{"a":"A/é\\n\u2028"}'],
    ['half a surrogate pair', String.raw`"\ud800"`, String.raw`"\ud800"`],
    ['a whole one', String.raw`"\ud83d\ude00"`, '"😀"'],
    ['words', '[true,false,null]', '[true,false,null]'],
    ['__proto__', '{"__proto__":{"a":1},"constructor":2}', '{"__proto__":{"a":1},"constructor":2}'],
    ['both of two members of one name, in their order', '{"a":2,"b":0,"a":1}', '{"a":2,"a":1,"b":0}'],
    ['order by UTF-16 code units', String.raw`{"\ufb33":1,"😀":2,"a":3,"€":4}`, '{"a":3,"€":4,"😀":2,"\ufb33":1}'],
  ])('has one form for %s', (_, text, one) => {
    expect(canonical(text)).toBe(one);
  });

  it('does not take two texts that look alike for one', () => {
    expect(canonical('"\u00e9"')).not.toBe(canonical('"e\u0301"'));
    expect(canonical('{"a":1}')).not.toBe(canonical('{"a":"1"}'));
    expect(canonical('{"a":2,"a":1}')).not.toBe(canonical('{"a":1}'));
    expect(canonical('[1,2]')).not.toBe(canonical('[2,1]'));
  });

  it.each(['', '{', '{"a"}', '[1,]', '{"a":1,}', '01', '+1', '.5', '1.', 'nul', '"a', '1 2', `${'['.repeat(1_100)}${']'.repeat(1_100)}`])('is not made of what is no JSON: %#', (text) => {
    expect(() => canonical(text)).toThrow(SyntaxError);
  });

  it('is made of the largest event at once', () => {
    const text = JSON.stringify({ long: `${'x'.repeat(120_000)}\\"${'\u00e9'.repeat(50_000)}`, many: Array.from({ length: 10_000 }, (_, n) => n) });
    const startedAt = performance.now();
    expect(canonical(text).length).toBeGreaterThan(200_000);
    expect(performance.now() - startedAt).toBeLessThan(500); // some ms
  });

  it('is the same for every spelling of a value, and another for another value', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).toReversed().map(([key, one]) => [key, shuffled(one)]));
    };
    assert(
      property(jsonValue(), jsonValue(), (value, other) => {
        const text = JSON.stringify(value);
        expect(canonical(JSON.stringify(shuffled(value), undefined, 2))).toBe(canonical(text));
        expect(JSON.parse(canonical(text))).toEqual(JSON.parse(text.replace(/-0(?=[,\]}]|$)/g, '0')));
        const sameText = canonical(text) === canonical(JSON.stringify(other));
        expect(sameText).toBe(JSON.stringify(other, keysInOrder(other)) === JSON.stringify(value, keysInOrder(value)));
      }),
    );
  });
});

const keysInOrder = (value: unknown): string[] => {
  const keys = new Set<string>();
  JSON.stringify(value, (key, one: unknown) => (keys.add(key), one));
  return [...keys].toSorted();
};

describe('ignored paths', () => {
  const data = '{"sentAt":1,"id":"x","items":[{"sku":"a","sentAt":2},{"sku":"b","sentAt":3}],"deep":{"a.b":{"c":1},"d":2}}';

  it.each([
    [['data.sentAt'], '{"deep":{"a.b":{"c":1},"d":2},"id":"x","items":[{"sentAt":2,"sku":"a"},{"sentAt":3,"sku":"b"}]}'],
    [['data.items.*.sentAt', 'data.sentAt', 'data.deep'], '{"id":"x","items":[{"sku":"a"},{"sku":"b"}]}'],
    [['data.items.0', 'data.deep.*', 'data.sentAt'], '{"deep":{},"id":"x","items":[{"sentAt":3,"sku":"b"}]}'],
    [[String.raw`data.deep.a\.b.c`, 'data.items', 'data.none.of.it'], '{"deep":{"a.b":{},"d":2},"id":"x","sentAt":1}'],
    [['data.*.*.sku', 'data.items.1.sentAt', 'data.deep'], '{"id":"x","items":[{"sentAt":2},{}],"sentAt":1}'],
  ])('%j leave the rest as it is', (paths, rest) => {
    expect(canonical(data, ...paths)).toBe(rest);
  });

  it('are no part of it, whether there or not', () => {
    expect(canonical('{"a":1,"sentAt":{"x":[1]}}', 'data.sentAt')).toBe(canonical('{"a":1}', 'data.sentAt'));
    expect(canonical('[1,2]', 'data.0')).toBe('[2]');
    expect(canonical('5', 'data.a')).toBe('5');
  });
});
