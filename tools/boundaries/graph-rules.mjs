import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Which kinds of project may stand on which: what nx's own lint plugin calls depConstraints. For each of its tags a project must find the tags of
 * what it stands on in the list.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const mayStandOn = {
  // the Zingle outage: the inbox went down with the webhooks' queue
  'scope:inbox': ['scope:inbox', 'scope:shared'],
  'scope:shared': ['scope:shared'],
  'scope:webhooks': ['scope:webhooks', 'scope:shared'],
  'type:contract': ['type:contract'],
  'type:domain': ['type:contract', 'type:domain'],
  'type:adapter': ['type:contract', 'type:domain', 'type:adapter'],
  'type:app': ['type:contract', 'type:domain', 'type:adapter'],
};

/**
 * @typedef {{ name: string, root: string, tags: string[], testing: string[], runtime: string[] }} Project names of projects it declares, for tests or for running
 * @typedef {{ from: string, to: string, why: string }} Violation
 */

/** @param {Project} from @param {Project} to @returns {Violation[]} */
const judge = (from, to) =>
  from.tags
    .filter((tag) => mayStandOn[tag] && !mayStandOn[tag].some((allowed) => to.tags.includes(allowed)))
    .map((tag) => ({ from: from.name, to: to.name, why: `${tag} may stand on ${mayStandOn[tag].join(', ')} only` }));

/** Run-time dependencies by the table; what a test uses is not shipped, but an inbox's test must not reach into the plane either. @param {Project[]} projects */
export const tagViolations = (projects) => {
  const byName = new Map(projects.map((project) => [project.name, project]));
  const targets = (/** @type {string[]} */ names) => names.flatMap((name) => byName.get(name) ?? []);
  return projects.flatMap((from) => [
    ...targets(from.runtime).flatMap((to) => judge(from, to)),
    ...(from.tags.includes('scope:inbox') ? targets(from.testing).flatMap((to) => judge(from, to)) : []),
  ]);
};

/** @param {Project[]} projects @returns {string[]} every project must say what it is: one without tags would stand on anything */
export const untagged = (projects) => projects.filter(({ tags }) => !tags.some((tag) => tag.startsWith('type:')) || !tags.some((tag) => tag.startsWith('scope:'))).map(({ name }) => name);

/** Names of our packages that a source imports, also by import() and as types. @param {string} source */
export const importedPackages = (source) => [...source.matchAll(/(?:\bfrom|\bimport|\brequire\()\s*\(?\s*['"](@spillway\/[\w-]+)/g)].map(([, name]) => name);

/** @param {string} folder @returns {string[]} */
const sourcesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[tj]s$/.test(entry.name) && !/(^|\/)(node_modules|dist)(\/|$)/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name));

const isTest = (/** @type {string} */ file) => /\.spec\.[cm]?[tj]s$|\/(test|testing)\//.test(file);

/**
 * Imports that no package.json declares. They work, because npm links every workspace package to the top of node_modules, and the project graph does
 * not know of them, so neither would the cache or the rules above.
 * @param {string} root @param {{ root: string, name: string, tags: string[] }} project
 */
export const undeclaredImports = (root, { root: folder, name, tags }) => {
  const testsOnly = tags.includes('type:e2e');
  const { name: own, dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  return sourcesIn(join(root, folder)).flatMap((file) =>
    importedPackages(readFileSync(file, 'utf8'))
      .filter((imported) => imported !== own && !(imported in dependencies) && !((testsOnly || isTest(file)) && imported in devDependencies))
      .map((imported) => ({ from: name, to: imported, why: `${file.slice(root.length + 1)} imports it, package.json does not name it${imported in devDependencies ? ' but for tests' : ''}` })),
  );
};
