import { all, distinct } from './sources.mjs';

/**
 * What the sources declare and the reference documents: problem codes, codes of our own errors, facts, routes. Read from the text, since what is thrown
 * in a function is in no table; a spelling that is not understood is an error here, never a gap in the documents.
 *
 * @typedef {import('./sources.mjs').Source} Source
 * @typedef {{ status: string, code: string, from: string }} Problem `from`: an app, or `every app`
 */

/** @param {string} file */
const ownerOf = (file) => (file.startsWith('apps/') ? file.split('/')[1] : 'every app');

/** The pairs of an object literal, `{ unknown_endpoint: 404, … }` or `{ 404: 'not_found', … }`. @param {string} text @param {string} name @returns {[string, string][]} */
const pairsOf = (text, name) => {
  const literal = new RegExp(`const ${name}[^=]*= \\{([^}]*)\\}`).exec(text)?.[1];
  if (literal === undefined) throw new Error(`no object ${name}`);
  return [...literal.matchAll(/(\w+): '?(\w+)'?/g)].map(([, key, value]) => [key, value]);
};

/**
 * How a code is found that is no literal, by its spelling. Statuses of Fastify's own refusals are Fastify's business.
 * @type {Record<string, (text: string) => { status: string, code: string }[]>}
 */
const spelledOtherwise = {
  'REGISTRY_STATUS[error.code], error.code': (text) => pairsOf(text, 'REGISTRY_STATUS').map(([code, status]) => ({ status, code })),
  '404, code': (text) => all(/= \(code: ([^,)]*)/.exec(text)?.[1] ?? '', /'(\w+)'/g).map((code) => ({ status: '404', code })),
  "status, FASTIFY[code ?? ''] ?? codeForStatus(status)": (text) => [
    ...pairsOf(text, 'BY_STATUS').map(([status, code]) => ({ status, code })),
    ...pairsOf(text, 'FASTIFY').map(([, code]) => ({ status: code === 'unsupported_media_type' ? '415' : '400', code })),
  ],
  '(table[code] as ProblemDeclaration).status, code': () => [], // its codes stand in tables
  '413, problem.code': () => [],
  '415, problem.code': () => [],
};

/** The first two arguments, up to the comma that ends the second: a code contains none. */
const RAISED = /new ProblemError\(\s*([^,]+),\s*([^,()]+(?:\([^()]*\))?)(?=,|\))/g;

/** A row of a table of codes. */
const DECLARED = /^  (\w+): \{ status: (\d+), means: /gm;

/** @param {readonly Source[]} sources @returns {Problem[]} */
const declaredProblems = (sources) =>
  sources.filter(({ text }) => text.includes('satisfies ProblemTable')).flatMap(({ file, text }) => [...text.matchAll(DECLARED)].map(([, code, status]) => ({ status, code, from: ownerOf(file) })));

/** @param {readonly Source[]} sources @returns {Problem[]} */
export const problems = (sources) => [...declaredProblems(sources), ...raisedProblems(sources)];

/** @param {readonly Source[]} sources @returns {Problem[]} */
const raisedProblems = (sources) =>
  sources.flatMap(({ file, text }) =>
    [...text.matchAll(RAISED)].flatMap(([, status, code]) => {
      const literal = /^'(\w+)'$/.exec(code)?.[1];
      if (literal !== undefined && /^\d+$/.test(status)) return [{ status, code: literal, from: ownerOf(file) }];
      const find = spelledOtherwise[`${status}, ${code}`];
      if (find === undefined) throw new Error(`${file}: ProblemError(${status}, ${code}, …) has no literal code: say in ${import.meta.filename} how it is found`);
      return find(text).map((found) => ({ ...found, from: ownerOf(file) }));
    }),
  );

/** Codes of errors that are ours to mend. Variables of the environment look alike and stand elsewhere. @param {readonly Source[]} sources @returns {string[]} */
export const errorCodes = (sources) => distinct(sources.flatMap(({ text }) => all(text, /(?:\bcode(?:: string)? = |super\(\s*)'(SPILLWAY_[A-Z_]+)'/g)));

/** @param {string} text of libs/contracts/src/facts.ts @returns {string[]} */
export const factTypes = (text) => distinct([...text.matchAll(/\btype: ((?:\|? *'\w+\.\w+'\s*)+)/g)].flatMap(([, types]) => all(types, /'([\w.]+)'/g)));

/** The members of a union of words, `export type FailureKind = 'status' | …`. @param {string} text @param {string} name @returns {string[]} */
export const wordsOf = (text, name) => {
  const union = new RegExp(`export type ${name} =([^;]*);`).exec(text)?.[1];
  if (union === undefined) throw new Error(`no type ${name}`);
  return all(union, /'(\w+)'/g);
};

/** @param {string} path */
const inBraces = (path) => path.replaceAll(/:(\w+)/g, '{$1}');

/** `POST /v1/events`, from Nest's decorators. @param {readonly Source[]} sources @returns {{ app: string, route: string }[]} */
export const routes = (sources) =>
  sources.flatMap(({ file, text }) => {
    const base = /@Controller\('([^']*)'\)/.exec(text)?.[1];
    if (base === undefined) return [];
    return [...text.matchAll(/@(Get|Post|Put|Patch|Delete)\((?:'([^']*)')?\)/g)].map(([, verb, rest = '']) => ({
      app: ownerOf(file),
      route: `${verb.toUpperCase()} ${inBraces(`/${[base, rest].filter(Boolean).join('/')}`)}`,
    }));
  });
