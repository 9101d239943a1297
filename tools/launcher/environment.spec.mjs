import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { apps, natsUsers } from './apps.mjs';
import { dataPaths } from './data-folder.mjs';
import { environmentOf, inherited, writeEnvironments } from './environment.mjs';
import { openSecrets } from './secrets.mjs';
import { readSettings } from './settings.mjs';

const folder = mkdtempSync(join(tmpdir(), 'spillway-environment-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = (env = {}) => readSettings({ root: folder, command: 'npm start', args: [], env });
const modeOf = (/** @type {string} */ file) => (statSync(file).mode & 0o777).toString(8);

it('keeps secrets to their owner, and the same on a second start', () => {
  const secrets = join(folder, 'secrets');
  const first = openSecrets(secrets, {}, natsUsers);
  expect(openSecrets(secrets, {}, natsUsers)).toEqual(first);
  expect([modeOf(secrets), modeOf(join(secrets, 'master-key')), modeOf(join(secrets, 'nats-ingest'))]).toEqual(['700', '600', '600']);
  expect(new Set(Object.values(first.natsPasswords)).size).toBe(natsUsers.length);
  const given = openSecrets(secrets, { SPILLWAY_ADMIN_KEY: 'mine' }, natsUsers);
  expect(given).toEqual({ ...first, SPILLWAY_ADMIN_KEY: 'mine' });
});

it('has a broker user for every app, and none for the inbox', () => {
  for (const { name } of apps) expect(natsUsers).toContain(name);
  expect(natsUsers).not.toContain('inbox');
});

it('passes on the user’s environment, but no credentials and nothing of npm’s', () => {
  const env = { PATH: '/bin', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', SPILLWAY_LOG_LEVEL: 'debug', SPILLWAY_ADMIN_KEY: 'k', SPILLWAY_MASTER_KEY: 'm', NATS_PASSWORD: 'p', npm_config_x: '1', INIT_CWD: '/' };
  expect(inherited(env)).toEqual({ PATH: '/bin', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', SPILLWAY_LOG_LEVEL: 'debug' });
});

it('leaves the networks that the user allows as they are', () => {
  const secrets = openSecrets(join(folder, 'secrets'), {}, natsUsers);
  expect(environmentOf(settings(), secrets, apps[0]).SPILLWAY_ALLOW_NETWORKS).toBe('127.0.0.0/8,::1/128');
  expect(environmentOf(settings({ SPILLWAY_ALLOW_NETWORKS: '' }), secrets, apps[0]).SPILLWAY_ALLOW_NETWORKS).toBe('');
});

it('writes for nx serve what an app is given, readable by its owner only', () => {
  const here = { ...settings(), dataFolder: folder };
  const secrets = openSecrets(join(folder, 'secrets'), {}, natsUsers);
  writeEnvironments(here, secrets);
  for (const app of apps) expect(parseEnv(readFileSync(dataPaths(folder).environment(app.name), 'utf8'))).toEqual(environmentOf(here, secrets, app));
  expect(modeOf(dataPaths(folder).environment('ingest'))).toBe('600');
  expect(parseEnv(readFileSync(dataPaths(folder).environment('provisioner'), 'utf8'))).toMatchObject({ NATS_USER: 'provisioner', NATS_MONITOR_URL: 'http://127.0.0.1:8091' });
});
