import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codesIn, tableBelow } from './markdown.mjs';

/** @typedef {{ row: string, file: string, names: string[] }} Seen the tests of one file that a row of the document names */

/** `[a.spec.ts](../../apps/a/src/a.spec.ts): `one`, `two`; [b.spec.ts](…): `three``. @param {string} row @param {string} cell @returns {Seen[]} */
const seenIn = (row, cell) => [...cell.matchAll(/\[[^\]]+\]\(([^)]+)\): ((?:`[^`]+`(?:, )?)+)/g)].map(([, file, names]) => ({ row, file, names: codesIn(names) }));

/** Titles of tests, and of rows of `it.each`: every string that stands there as a string. @param {string} source @returns {Set<string>} */
const titlesIn = (source) => new Set([...source.matchAll(/'((?:[^'\\\n]|\\.)*)'/g)].map(([, text]) => text));

/**
 * Rows without a test, and tests that are not there.
 * @param {string} document @param {readonly string[]} headings @param {string} folder where the document lies, for its links
 * @returns {string[]}
 */
export const unseen = (document, headings, folder) =>
  headings.flatMap((heading) =>
    tableBelow(document, heading).flatMap(([row, , cell]) => {
      const seen = seenIn(row, cell);
      if (seen.length === 0) return [`${heading}, ${row}: no test`];
      return seen.flatMap(({ file, names }) => {
        const titles = titlesIn(readFileSync(join(folder, file), 'utf8'));
        return names.filter((name) => !titles.has(name)).map((name) => `${heading}, ${row}: no test "${name}" in ${file}`);
      });
    }),
  );
