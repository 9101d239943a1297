import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsServerMissing, search } from './nats-server-binary.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'binary-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Stands for a nats-server of that version. */
const fake = (path: string, version: string) => {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(file, 0o755);
  return file;
};

it('takes the one that is named', () => {
  const named = fake('named', '2.16.0');
  fake('.cache/bin/nats-server', '2.15.1');
  expect(search({ NATS_SERVER_BIN: named, PATH: '' }, root)).toEqual({ path: named, version: '2.16.0' });
});

it('does not replace a named one that does not run by another', () => {
  fake('.cache/bin/nats-server', '2.15.1');
  expect(() => search({ NATS_SERVER_BIN: join(root, 'absent') }, root)).toThrow(/absent \(does not run\)/);
});

it('prefers the cache to PATH', () => {
  const path = join(fake('path/nats-server', '2.15.3'), '..');
  expect(search({ PATH: path }, root).version).toBe('2.15.3');
  const cached = fake('.cache/nats-server/2.15.1/nats-server', '2.15.1');
  expect(search({ PATH: path }, root).path).toBe(cached);
  const bin = fake('.cache/bin/nats-server', '2.15.2');
  expect(search({ PATH: path }, root).path).toBe(bin);
});

it('passes over what is too old, and says so when nothing is left', () => {
  const old = join(fake('old/nats-server', '2.9.25'), '..');
  const good = join(fake('good/nats-server', '3.0.0'), '..');
  expect(search({ PATH: `${old}:${good}` }, root).version).toBe('3.0.0');
  expect(() => search({ PATH: old }, root)).toThrow(NatsServerMissing);
  expect(() => search({ PATH: old }, root)).toThrow(/\(2\.9\.25\).*NATS_SERVER_BIN/);
});
