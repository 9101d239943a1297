import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importedPackages, tagViolations, undeclaredImports, untagged } from './graph-rules.mjs';

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'spillway-graph-'));

/** @type {import('./graph-rules.mjs').Project[]} */
let projects = [];

beforeAll(() => {
  const file = join(scratch, 'graph.json');
  execFileSync(join(root, 'node_modules', '.bin', 'nx'), ['graph', `--file=${file}`], { cwd: root, stdio: 'ignore' });
  const { nodes, dependencies } = JSON.parse(readFileSync(file, 'utf8')).graph;
  const packageOf = (/** @type {string} */ name) => {
    const path = join(root, nodes[name].data.root, 'package.json');
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  };
  projects = Object.keys(nodes).map((name) => {
    const shipped = packageOf(name).dependencies ?? {};
    const targets = dependencies[name].filter((/** @type {any} */ edge) => edge.type === 'static').map((/** @type {any} */ edge) => edge.target);
    const isShipped = (/** @type {string} */ target) => packageOf(target).name in shipped;
    return {
      name,
      root: nodes[name].data.root,
      tags: nodes[name].data.tags ?? [],
      runtime: targets.filter(isShipped),
      testing: targets.filter((/** @type {string} */ target) => !isShipped(target)),
    };
  });
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('this workspace', () => {
  it('is seen whole: apps, libraries and what they stand on', () => {
    const ingest = projects.find(({ name }) => name === 'ingest');
    expect(ingest).toMatchObject({ tags: expect.arrayContaining(['type:app', 'scope:webhooks']), runtime: expect.arrayContaining(['contracts', 'jetstream']), testing: ['testing'] });
    expect(projects.length).toBeGreaterThan(15);
  });

  it('has tags on every project', () => expect(untagged(projects)).toEqual([]));

  it('stands only on what its tags allow', () => expect(tagViolations(projects)).toEqual([]));

  it('imports no package of ours that it does not declare', () => {
    expect(projects.filter((project) => existsSync(join(root, project.root, 'package.json'))).flatMap((project) => undeclaredImports(root, project))).toEqual([]);
  });
});

/** @param {string} name @param {string[]} tags @param {string[]} [runtime] @param {string[]} [testing] */
const project = (name, tags, runtime = [], testing = []) => ({ name, root: name, tags, runtime, testing });

describe('the rules', () => {
  const world = [
    project('jetstream', ['type:adapter', 'scope:webhooks']),
    project('telemetry', ['type:adapter', 'scope:shared']),
    project('delivery', ['type:domain', 'scope:webhooks']),
    project('ingest', ['type:app', 'scope:webhooks']),
  ];
  const refused = (/** @type {import('./graph-rules.mjs').Project} */ canary) => tagViolations([...world, canary]).map(({ to, why }) => `${to}: ${why}`);

  it('refuse an inbox that stands on the webhook plane, also in its tests', () => {
    expect(refused(project('inbox', ['type:app', 'scope:inbox'], ['telemetry', 'jetstream']))).toEqual(['jetstream: scope:inbox may stand on scope:inbox, scope:shared only']);
    expect(refused(project('inbox', ['type:app', 'scope:inbox'], ['telemetry'], ['jetstream']))).toHaveLength(1);
  });

  it('refuse a shared library that knows webhooks, a domain that knows an adapter, and one app inside another', () => {
    expect(refused(project('service-kit', ['type:adapter', 'scope:shared'], ['jetstream']))).toHaveLength(1);
    expect(refused(project('domain', ['type:domain', 'scope:webhooks'], ['jetstream']))).toHaveLength(1);
    expect(refused(project('console', ['type:app', 'scope:webhooks'], ['ingest']))).toHaveLength(1);
    expect(refused(project('dispatcher', ['type:app', 'scope:webhooks'], ['delivery', 'jetstream', 'telemetry']))).toEqual([]);
  });

  it('refuse a project without tags', () => expect(untagged([...world, project('new', ['npm:private'])])).toEqual(['new']));

  it('see imports in every spelling', () => {
    const source = `import { a } from '@spillway/a';\nexport type { B } from "@spillway/b/testing";\nimport '@spillway/c';\nconst d = await import('@spillway/d');\nconst e = require('@spillway/e');\n// @spillway/f`;
    expect(importedPackages(source)).toEqual(['@spillway/a', '@spillway/b', '@spillway/c', '@spillway/d', '@spillway/e']);
  });

  it('refuse an import that package.json does not name, or names for tests only', () => {
    mkdirSync(join(scratch, 'lib/src'), { recursive: true });
    writeFileSync(join(scratch, 'lib/package.json'), JSON.stringify({ name: '@spillway/lib', dependencies: { '@spillway/declared': '*' }, devDependencies: { '@spillway/testing': '*' } }));
    writeFileSync(join(scratch, 'lib/src/a.ts'), `import '@spillway/declared';\nimport '@spillway/undeclared';\nimport '@spillway/testing';`);
    writeFileSync(join(scratch, 'lib/src/a.spec.ts'), `import '@spillway/testing';\nimport '@spillway/lib';`);
    expect(undeclaredImports(scratch, { name: 'lib', root: 'lib', tags: ['type:adapter'] })).toEqual([
      { from: 'lib', to: '@spillway/undeclared', why: 'lib/src/a.ts imports it, package.json does not name it' },
      { from: 'lib', to: '@spillway/testing', why: 'lib/src/a.ts imports it, package.json does not name it but for tests' },
    ]);
  });
});
