import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', 'tmp']);

/** Every Markdown file of the repository, installed and made things aside. @param {string} folder @returns {string[]} */
export const markdownFiles = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || NOT_OURS.has(entry.name)) return [];
    if (entry.isDirectory()) return markdownFiles(join(folder, entry.name));
    return entry.name.endsWith('.md') ? [join(folder, entry.name)] : [];
  });

/** Without what stands in fences and between backticks: an example of a link is none. @param {string} text */
const prose = (text) => text.replace(/^ *(```+)[\s\S]*?^ *\1 *$/gm, '').replace(/(`+)(?:(?!\1)[^])*?\1/g, '');

/** Targets of `[text](target)` and `[text]: target`. @param {string} text @returns {string[]} */
export const links = (text) => [...prose(text).matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*(\S+)/gm)].map(([, inline, reference]) => inline ?? reference);

/** A heading's address, as GitHub makes it. @param {string} heading */
const slug = (heading) =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');

/** @param {string} text @returns {Set<string>} */
export const anchors = (text) => {
  const headings = text.replace(/^ *(```+)[\s\S]*?^ *\1 *$/gm, '').matchAll(/^#{1,6} +(.+?) *#*$/gm);
  /** @type {Map<string, number>} a second heading of the same words gets -1 */
  const seen = new Map();
  const found = new Set();
  for (const [, heading] of headings) {
    const address = slug(heading);
    const before = seen.get(address) ?? 0;
    seen.set(address, before + 1);
    found.add(before === 0 ? address : `${address}-${before}`);
  }
  return found;
};

/** The cells of every table row below a heading of that text, heads and rulers left out. @param {string} text @param {string} heading @returns {string[][]} */
export const tableBelow = (text, heading) => {
  const [, ...rest] = text.split(new RegExp(`^#+ ${heading}$`, 'm'));
  if (rest.length === 0) throw new Error(`no heading "${heading}"`);
  const section = rest[0].split(/^#+ /m)[0];
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) => row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
};

/** What stands between backticks. @param {string} cell @returns {string[]} */
export const codesIn = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);

/** @param {readonly string[]} heads @param {readonly (readonly string[])[]} rows */
export const table = (heads, rows) => [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
