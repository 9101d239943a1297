// npm run bench -- [<name>] [--json] [--seconds N]
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { findNatsServer } from '@spillway/testing';
import { duplicates } from './duplicates.mjs';
import { ingest } from './ingest.mjs';
import { isolation } from './isolation.mjs';
import { pipeline } from './pipeline.mjs';
import { retries } from './retries.mjs';

const benches = { pipeline, ingest, duplicates, isolation, retries };

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false }, seconds: { type: 'string', default: '8' }, help: { type: 'boolean', default: false } } });
const name = positionals[0] ?? 'pipeline';
const bench = benches[name];
if (values.help || !bench) {
  console.error(`npm run bench -- [<name>] [--json] [--seconds N]\n${Object.entries(benches).map(([key, { about }]) => `  ${key.padEnd(10)} ${about}`).join('\n')}`);
  process.exit(values.help ? 0 : 2);
}
const seconds = Number(values.seconds);
if (!Number.isFinite(seconds) || seconds < 1) {
  console.error(`--seconds ${values.seconds}: wanted a number from 1`);
  process.exit(2);
}

/** Progress goes to the terminal's other stream, so that --json prints JSON and nothing else. */
const say = (text) => console.error(text);

const redisServer = () => {
  const found = process.env.REDIS_SERVER_BIN ?? 'redis-server';
  try {
    execFileSync(found, ['--version']);
    return found;
  } catch {
    throw new Error('the floor dedupes on Redis, and there is none: put redis-server (7 or newer) on the PATH or set REDIS_SERVER_BIN');
  }
};

const machine = (nats) => ({ cpu: cpus()[0]?.model, cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version, natsServer: nats.version });

const nats = findNatsServer();
const parts = [];
const started = async (starting) => {
  const part = await starting;
  parts.unshift(part);
  return part;
};
const stopAll = async () => {
  for (const part of parts.splice(0)) await part.stop();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stopAll().then(() => process.exit(130)));
try {
  const running = await bench.start({ started, nats, redisServer: redisServer(), say });
  const report = { bench: name, machine: machine(nats), ...(await bench.run({ ...running, say, seconds })) };
  console.log(JSON.stringify(report, undefined, values.json ? undefined : 2));
} finally {
  await stopAll();
}
