import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const NOT_SOURCES = new Set(['node_modules', 'dist', 'test', 'testing']);

/** @typedef {{ file: string, text: string }} Source `file`: from the root */

/** @param {string} root @param {string} folder @returns {Source[]} */
const below = (root, folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_SOURCES.has(entry.name) ? [] : below(root, path);
    return /\.(ts|mjs)$/.test(entry.name) && !/\.spec\.\w+$/.test(entry.name) ? [{ file: relative(root, path), text: readFileSync(path, 'utf8') }] : [];
  });

/** What is shipped of apps and libraries: no tests, nothing that only tests use. @param {string} root @param {readonly string[]} [folders] */
export const sources = (root, folders = ['apps', 'libs']) => folders.flatMap((folder) => below(root, join(root, folder)));

/** Each once, in order. @param {readonly string[]} texts */
export const distinct = (texts) => [...new Set(texts)].toSorted();

/** @param {string} text @param {RegExp} pattern with one group @returns {string[]} */
export const all = (text, pattern) => [...text.matchAll(pattern)].map(([, group]) => group);
