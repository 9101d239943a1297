import { childTraceparent, isSampled, isTraceparent, newTraceparent, traceIdOf } from './traceparent.ts';

const W3C = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'; // the specification's own example

it('makes what it recognises, sampled or not, and no two alike', () => {
  const many = Array.from({ length: 2_000 }, (_, i) => newTraceparent(i % 2 === 0)); // more than one pool of random bytes
  expect(many.every(isTraceparent)).toBe(true);
  expect(many.map(isSampled)).toEqual(many.map((_, i) => i % 2 === 0));
  expect(new Set(many.map(traceIdOf)).size).toBe(2_000);
  expect(new Set(many.map((one) => one.slice(36, 52))).size).toBe(2_000);
});

it('goes on with the trace under a new parent id', () => {
  const child = childTraceparent(W3C);
  expect(child).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[\da-f]{16}-01$/);
  expect(child).not.toBe(W3C);
});

it('drops the flags and the version it does not know', () => {
  const child = childTraceparent('cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe-what-the-future-holds');
  expect(child).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[\da-f]{16}-00$/);
});

it.each([
  ['the specification`s example', W3C, true],
  ['a later version, longer', `01${W3C.slice(2)}-more`, true],
  ['a later version, run on', `01${W3C.slice(2)}more`, false],
  ['version 00, longer', `${W3C}-more`, false],
  ['version ff', `ff${W3C.slice(2)}`, false],
  ['no trace id', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, false],
  ['no parent id', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, false],
  ['upper case', W3C.toUpperCase(), false],
  ['a line break behind', `${W3C}\n`, false],
  ['nothing', '', false],
  ['not there', undefined, false],
])('%s: %s', (_, text, expected) => {
  expect(isTraceparent(text)).toBe(expected);
});

it('has no child of what is not one', () => {
  expect(() => childTraceparent('garbage')).toThrow('not a traceparent: "garbage"');
});
