import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes, factTypes, problems, routes, wordsOf } from './declared.mjs';
import { codesIn, tableBelow } from './markdown.mjs';
import { all, distinct, sources } from './sources.mjs';

const root = join(import.meta.dirname, '..', '..');
const read = (/** @type {string} */ file) => readFileSync(join(root, file), 'utf8');
const everything = sources(root);

/** The first cell's code in each row of a table. @param {string} document @param {string} heading */
const rowsOf = (document, heading) => tableBelow(document, heading).map(([first]) => codesIn(first)[0]);

it('config.md is what the configuration classes say', () => {
  const { status, stderr } = spawnSync(process.execPath, ['--conditions=@spillway/source', '--import', './tools/swc-hook.mjs', 'tools/documents/config.mjs', '--check'], { cwd: root, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

it('config.md names every variable that the launcher, the tests and the CLI read', () => {
  const readers = [...sources(root, ['tools']), ...everything.filter(({ file }) => file.startsWith('apps/cli/')), ...sources(root, ['libs/testing/src'])];
  const variables = readers.filter(({ file }) => !file.includes('/stand-in/')).flatMap(({ text }) => all(text, /\benv(?:\.|\[')((?:SPILLWAY|NATS|REDIS)_[A-Z_]+)/g));
  const internal = new Set(['SPILLWAY_REENTERED', 'NATS_URL']); // between two of our own processes; of every app
  const document = read('docs/reference/config.md');
  expect(distinct(variables).filter((name) => !internal.has(name) && !document.includes(`\`${name}\``))).toEqual([]);
});

describe('errors.md', () => {
  const document = read('docs/reference/errors.md');

  it('has every problem code, with its status and who answers it, and no other', () => {
    const declared = problems(everything).map(({ status, code, from }) => `${status} ${code}: ${from}`);
    const told = tableBelow(document, 'Problem documents').flatMap(([status, code, from]) => from.split(', ').map((who) => `${status} ${codesIn(code)[0]}: ${who}`));
    expect(told.toSorted()).toEqual(distinct(declared));
  });

  it('has every code of our own errors, and no other', () => expect(rowsOf(document, 'Our own errors').toSorted()).toEqual(errorCodes(everything)));
});

describe('facts.md', () => {
  const document = read('docs/reference/facts.md');
  const declared = read('libs/contracts/src/facts.ts');
  const headings = ['Events', 'Attempts and deliveries', 'Endpoints', 'Circuits', 'Retries', 'Duplicates'];

  it('has every fact, and no other', () => expect(headings.flatMap((heading) => rowsOf(document, heading)).toSorted()).toEqual(factTypes(declared)));

  it('has every reason, and no other', () => {
    expect(rowsOf(document, 'Why an attempt failed').toSorted()).toEqual(wordsOf(declared, 'FailureKind').toSorted());
    expect(rowsOf(document, 'Why a delivery is dead').toSorted()).toEqual(wordsOf(declared, 'DeadReason').toSorted());
  });
});

it('http-api.md has every route, and no other', () => {
  const document = read('docs/reference/http-api.md');
  const told = distinct(['ingest', 'console'].flatMap((app) => tableBelow(document, app).flatMap(([route]) => codesIn(route).map((path) => `${app}: ${path}`))));
  expect(told).toEqual(distinct(routes(everything).map(({ app, route }) => `${app}: ${route}`)));
});

it('every test that a document quotes is there, by its name', () => {
  const quoting = ['README.md', 'SECURITY.md', 'docs/guides/operating.md'].filter((file) => existsSync(join(root, file)));
  const quoted = quoting.flatMap((file) => [...read(file).matchAll(/\[“([^”]+)”\]\(([^)]+)\)/g)].map(([, name, target]) => ({ name, file: join(file, '..', target) })));
  expect(quoted.length).toBeGreaterThan(10);
  expect(quoted.filter(({ name, file }) => !read(file).includes(name))).toEqual([]);
});

const source = (/** @type {string} */ text, file = 'apps/ingest/src/a.ts') => [{ file, text }];

describe('what is declared is found', () => {
  it('in problems, whatever their layout, with the app they are of', () => {
    expect(problems(source(`throw new ProblemError(422, 'bad', 'x');\nnew ProblemError(\n  429,\n  'slow',\n  f(a, b),\n)`))).toEqual([
      { status: '422', code: 'bad', from: 'ingest' },
      { status: '429', code: 'slow', from: 'ingest' },
    ]);
    expect(problems(source(`const unknown = (code: 'a' | 'b', d: string) => new ProblemError(404, code, d)`, 'libs/kit/src/a.ts'))).toEqual([
      { status: '404', code: 'a', from: 'every app' },
      { status: '404', code: 'b', from: 'every app' },
    ]);
  });

  it('in tables of codes', () => {
    expect(problems(source(`const t = {\n  bad: { status: 422, means: 'x' },\n  slow: { status: 429, means: 'y', headers: ['a'] },\n} as const satisfies ProblemTable;`))).toEqual([
      { status: '422', code: 'bad', from: 'ingest' },
      { status: '429', code: 'slow', from: 'ingest' },
    ]);
  });

  it('and a code that nobody can find is an error, not a gap', () => expect(() => problems(source(`new ProblemError(status, codeOf(error), 'x')`))).toThrow('has no literal code'));

  it('in our own errors, but not in variables of the environment', () => {
    expect(errorCodes(source(`class A { readonly code = 'SPILLWAY_A'; } class B { constructor() { super(\n  'SPILLWAY_B', x); } } env['SPILLWAY_C']; @FromEnv('SPILLWAY_D')`))).toEqual(['SPILLWAY_A', 'SPILLWAY_B']);
  });

  it('in facts that share a line', () => expect(factTypes(`| (Said & { type: 'b.two' | 'b.one'; x: 'c.no' }) | ({\n type: 'a.one' })`)).toEqual(['a.one', 'b.one', 'b.two']));

  it('in routes', () => {
    expect(routes(source(`@Controller('v1/tenants/:tenant/x')\nclass A { @Get() a() {} @Post(':id/y') b() {} }`))).toEqual([
      { app: 'ingest', route: 'GET /v1/tenants/{tenant}/x' },
      { app: 'ingest', route: 'POST /v1/tenants/{tenant}/x/{id}/y' },
    ]);
  });
});
