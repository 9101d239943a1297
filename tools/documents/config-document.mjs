import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { table } from './markdown.mjs';

/** Says how to make the file again: the test that compares the two repeats it. */
export const REGENERATE = 'npx nx run tools:document';

/**
 * Variables that no configuration class declares, because what reads them runs before there is one.
 * @type {Record<'launcher' | 'tests' | 'cli' | 'telemetry', [variable: string, otherwise: string, doc: string][]>}
 */
const beside = {
  launcher: [
    ['SPILLWAY_DATA_DIR', '`.spillway`', 'Where `npm start` and `npm run infra` keep streams, secrets, settings and logs. Relative to the clone.'],
    ['SPILLWAY_PORT_BASE', '8080', 'The first of its ports; given on to every app, and to NATS (base + 10, monitoring + 11) and Redis (+ 12).'],
    ['SPILLWAY_BIND', '127.0.0.1', 'Where the apps listen. NATS and Redis stay on loopback whatever is said here.'],
    ['SPILLWAY_ADMIN_KEY', 'made once', 'Otherwise kept in `secrets/admin-key` of the data directory.'],
    ['SPILLWAY_MASTER_KEY', 'made once', 'Otherwise kept in `secrets/master-key` of the data directory.'],
    ['SPILLWAY_ALLOW_NETWORKS', '`127.0.0.0/8,::1/128`', 'Under `npm start` loopback is allowed, for trials, and it says so; the apps’ own default allows nothing.'],
    ['SPILLWAY_DEDUPE_REDIS_URL', 'a Redis of its own', 'A Redis for dedupe that is there already, in place of the one that is started.'],
    ['NATS_SERVER_BIN', 'looked for', 'The nats-server to use (2.15 or newer); otherwise the one on the `PATH`, the cache, Debian’s package, `go install`, the release archive, in that order.'],
    ['REDIS_SERVER_BIN', 'looked for', 'The redis-server to use (7 or newer), likewise; without any the plane runs all the same, and says what it lacks.'],
  ],
  tests: [
    ['SPILLWAY_SEED', 'random', 'Makes a test of random moments repeat one run; each prints the seed it used.'],
  ],
  cli: [
    ['SPILLWAY_URL', 'of `cli.json`, else port base + 1', 'The console.'],
    ['SPILLWAY_INGEST_URL', 'of `cli.json`, else port base', 'Ingest, for `send`.'],
    ['SPILLWAY_KEY', 'of `cli.json`', 'The key it acts with.'],
    ['SPILLWAY_DATA_DIR', '`.spillway` here, else of the clone', 'Where `cli.json` and `env.provisioner` lie, which `npm start` writes.'],
    ['SPILLWAY_PORT_BASE', '8080', 'When nothing else says where the plane is.'],
  ],
  telemetry: [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', '', 'Where traces go, as OpenTelemetry has it; also `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. Without either no SDK is started: that is some 30 MB a process.'],
    ['OTEL_SDK_DISABLED', 'false', 'No traces although an endpoint is set.'],
  ],
};

/** @typedef {import('../../libs/service-kit/src/describe-config.ts').ConfigRow} Row */
/** @typedef {abstract new () => object} ConfigClass */

/** The configuration class of an app: in a file of its own, or beside the function that makes the app. @param {string} root @param {string} app @returns {Promise<ConfigClass | undefined>} */
const configOf = async (root, app) => {
  const folder = join(root, 'apps', app, 'src');
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const file = files.find((name) => name.endsWith('.config.ts')) ?? files.find((name) => name === `${app}.ts`);
  if (file === undefined) return undefined;
  const found = Object.entries(await import(pathToFileURL(join(folder, file)).href)).find(([name]) => name.endsWith('Config'));
  return /** @type {ConfigClass | undefined} */ (found?.[1]);
};

/** @param {string} text */
const cell = (text) => text.replaceAll('|', String.raw`\|`);

/** @param {string | undefined} value */
const preset = (value) => (value === undefined || value === '' ? '' : `\`${cell(value)}\``);

/** @param {readonly Row[]} rows */
const declared = (rows) =>
  table(
    ['variable', 'type', 'default', 'what it does'],
    rows.map(({ variable, type, default: otherwise, doc, secret }) => [`\`${variable}\``, type === 'string[]' ? 'list' : type, preset(otherwise), `${cell(doc)}${secret ? ' **Secret**: masked in logs and errors.' : ''}`]),
  );

/** @param {readonly [string, string, string][]} rows */
const told = (rows) => table(['variable', 'otherwise', 'what it does'], rows.map(([variable, otherwise, doc]) => [`\`${variable}\``, otherwise, cell(doc)]));

/** Apps that are told the same stand under one heading. @param {readonly { app: string, rows: Row[] }[]} apps */
const together = (apps) => {
  /** @type {Map<string, string[]>} */
  const byText = new Map();
  for (const { app, rows } of apps) {
    const text = rows.length === 0 ? 'Nothing of its own.' : declared(rows);
    byText.set(text, [...(byText.get(text) ?? []), app]);
  }
  return [...byText].map(([text, names]) => `### ${names.join(', ')}\n\n${text}`).join('\n\n');
};

/** docs/reference/config.md, whole. Runs under `--import tools/swc-hook.mjs`: it reads the classes from their sources. @param {string} root */
export const configDocument = async (root) => {
  const [{ describeConfig, ServiceConfig }, { PlaneConfig }] = await Promise.all([import('../../libs/service-kit/src/index.ts'), import('../../libs/jetstream/src/index.ts')]);
  const [every, plane] = [describeConfig(ServiceConfig), describeConfig(PlaneConfig)];
  const known = new Set(plane.map(({ variable }) => variable));
  const apps = [];
  for (const app of readdirSync(join(root, 'apps')).filter((name) => existsSync(join(root, 'apps', name, 'package.json')))) {
    const config = await configOf(root, app);
    if (config) apps.push({ app, rows: describeConfig(config).filter(({ variable }) => !known.has(variable)) });
  }
  return `<!-- Made from the configuration classes by \`${REGENERATE}\`. Changes here are lost; a test compares. -->

# Configuration

By environment alone, read once at start and checked whole: an app that finds faults names all of them (variable, what was seen, what is wanted) and does not start.
An empty variable counts as not set. Lists are separated by commas; booleans are \`true\` or \`false\`. What an app was told stands in its first log line, secrets masked.

Under \`npm start\` nothing has to be set: it writes one file an app, \`.spillway/env.<app>\`, in the form of \`node --env-file\`, and \`nx serve\` reads the same.

## Every app

${declared(every)}

## Every app of the plane

${declared(plane.filter(({ variable }) => !every.some((row) => row.variable === variable)))}

## One app each

${together(apps)}

The limits of the streams (\`SPILLWAY_MAX_BYTES_…\`, \`SPILLWAY_MAX_MESSAGES_…\`, \`SPILLWAY_NATS_REPLICAS\`) are read by \`spillway provision\`: [topology](topology.md#limits).

## npm start, npm run infra

${told(beside.launcher)}

## npx spillway

${told(beside.cli)}

## Tests

${told(beside.tests)}

## Traces

${told(beside.telemetry)}

All other \`OTEL_…\` variables are the SDK’s own. Metrics need none: every app serves them at \`/metrics\`.
`;
};
