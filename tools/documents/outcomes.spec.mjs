import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableBelow } from './markdown.mjs';
import { unseen } from './outcomes.mjs';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'reference');
const document = readFileSync(join(folder, 'outcomes.md'), 'utf8');
const headings = ['Attempts', 'Endpoints', 'Hostile receivers'];

it('every outcome, every turn of an endpoint’s life and every hostile receiver has a test that is there', () => {
  expect(unseen(document, headings, folder)).toEqual([]);
  expect(headings.map((heading) => tableBelow(document, heading).length >= 6)).toEqual([true, true, true]);
});

it('a row without a test, and a test that is not there, are found', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'spillway-outcomes-'));
  writeFileSync(join(scratch, 'a.spec.ts'), "it('one', () => {});\nit.each([['a row']])('%s two', () => {});\n");
  const rows = ['| x | y | [a.spec.ts](a.spec.ts): `one`, `a row`; [a.spec.ts](a.spec.ts): `%s two` |', '| none | y | soon |', '| wrong | y | [a.spec.ts](a.spec.ts): `one`, `three` |'];
  const text = ['# T', '', '## H', '', '| a | b | c |', '| --- | --- | --- |', ...rows].join('\n');
  expect(unseen(text, ['H'], scratch)).toEqual(['H, none: no test', 'H, wrong: no test "three" in a.spec.ts']);
  rmSync(scratch, { recursive: true });
});
