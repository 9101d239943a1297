import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokenLinks } from './links.mjs';
import { anchors, links, markdownFiles, tableBelow } from './markdown.mjs';

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'spillway-links-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the documents of this repository', () => {
  const files = markdownFiles(root);

  it('are found', () => expect(files.map((file) => file.slice(root.length + 1))).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'apps/ingest/README.md'])));

  it('link to files and headings that are there', () => expect(brokenLinks(root, files)).toEqual([]));

  it('can all be reached from the README', () => {
    const seen = new Set([join(root, 'README.md')]);
    for (const file of seen) for (const target of links(readFileSync(file, 'utf8'))) if (/^[^:]*\.md(#|$)/.test(target)) seen.add(join(file, '..', target.split('#')[0]));
    expect(files.filter((file) => !seen.has(file)).map((file) => file.slice(root.length + 1))).toEqual([]);
  });
});

/** What is wrong with the links of a document beside one that has headings. @param {string} text */
const check = (text) => {
  const file = join(scratch, 'a.md');
  writeFileSync(file, text);
  writeFileSync(join(scratch, 'b.md'), '# One: `two`, three\n\n## Twice\n\n## Twice\n\n```\n# no heading\n```\n');
  return brokenLinks(scratch, [file]);
};

describe('a link', () => {
  it.each(['[x](b.md)', '[x](./b.md#one-two-three)', '[x](b.md#twice-1)', '[x](#here)\n\n## Here', '[x](https://example.com/nothing)', '`[x](no.md)`', '```md\n[x](no.md)\n```', '[x]: b.md'])('of %j leads somewhere', (text) =>
    expect(check(text)).toEqual([]),
  );

  it.each([
    ['[x](no.md)', 'a.md: no.md: no such file'],
    ['[x](b.md#no)', 'a.md: b.md#no: no heading #no'],
    ['[x](b.md#no-heading)', 'a.md: b.md#no-heading: no heading #no-heading'],
    ['[x](#here)', 'a.md: #here: no heading #here'],
    ['[x](../b.md)', 'a.md: ../b.md: leads out of the repository'],
    ['![x](x.png "a picture")', 'a.md: x.png: no such file'],
    ['[x]: no.md', 'a.md: no.md: no such file'],
  ])('of %j is told: %s', (text, told) => expect(check(text)).toEqual([told]));
});

it('makes headings’ addresses as GitHub does', () => {
  expect([...anchors('# What it costs, in µs\n## `nats` CLI: on the *streams*\n## [ADR 1](x.md)')]).toEqual(['what-it-costs-in-µs', 'nats-cli-on-the-streams', 'adr-1']);
});

it('reads tables', () => {
  expect(tableBelow('## A\n\n| h | i |\n| --- | --- |\n| `a` | b \\| c |\n\n## B\n\n| h |\n| --- |\n| x |\n', 'A')).toEqual([['`a`', 'b \\| c']]);
  expect(() => tableBelow('', 'A')).toThrow('no heading "A"');
});
