import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findNatsServer } from '../../real-parts/nats-server.mjs';
import { isRunning } from '../process-marks.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const WITHIN_MS = 60_000;

/** @param {() => unknown} check @param {() => string} why */
export const until = async (check, why) => {
  const endsAt = Date.now() + WITHIN_MS;
  while (!(await check())) {
    if (Date.now() > endsAt) throw new Error(`not within ${WITHIN_MS / 1_000} s: ${why()}`);
    await delay(20);
  }
};

/** @param {number} port */
const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** A base above which all that a start needs is free, below the ports that the system itself gives out. */
export const freePortBase = async () => {
  for (;;) {
    const base = 12_000 + Math.floor(Math.random() * 1_000) * 16;
    const free = await Promise.all(Array.from({ length: 12 }, (_, offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
};

/** What `npm start` does with one data directory and one set of ports, as often as a test likes. */
export class StandInPlane {
  /** @param {number} portBase @param {string} natsServer */
  constructor(portBase, natsServer) {
    this.portBase = portBase;
    this.natsServer = natsServer;
    this.folder = mkdtempSync(join(tmpdir(), 'spillway-launcher-'));
    this.dataFolder = join(this.folder, 'data');
    /** @type {Start[]} */
    this.starts = [];
    /** @type {Map<number, import('../process-marks.mjs').ProcessRecord>} everything that any start has named as its own */
    this.seen = new Map();
  }

  static async create() {
    const { path } = await findNatsServer({ cacheFolder: join(ROOT, '.cache'), say: () => undefined });
    return new StandInPlane(await freePortBase(), path);
  }

  /** @param {{ env?: Record<string, string>, args?: string[], node?: string, nodeArgs?: string[] }} [options] */
  start({ env = {}, args = [], node = process.execPath, nodeArgs = [] } = {}) {
    const { npm_lifecycle_event: _underNpm, ...inherited } = process.env;
    const start = new Start(
      spawn(node, [...nodeArgs, join(import.meta.dirname, 'start.mjs'), ...args], {
        cwd: ROOT,
        env: { ...inherited, NATS_SERVER_BIN: this.natsServer, SPILLWAY_DATA_DIR: this.dataFolder, SPILLWAY_PORT_BASE: String(this.portBase), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    this.starts.push(start);
    return start;
  }

  /** @param {Parameters<StandInPlane['start']>[0]} [options] */
  async ready(options) {
    const start = this.start(options);
    await start.says('Spillway is ready');
    return start;
  }

  /** What the running start has named. */
  lock() {
    const lock = /** @type {import('../instance-lock.mjs').LockContent} */ (JSON.parse(readFileSync(join(this.dataFolder, 'instance.lock'), 'utf8')));
    for (const record of lock.processes) this.seen.set(record.pid, record);
    return lock;
  }

  /** @param {string} name */
  pidOf(name) {
    return this.lock().processes.find((record) => record.name === name)?.pid;
  }

  running() {
    return [...this.seen.values()].filter(isRunning).map(({ name }) => name);
  }

  /** @param {string} name @param {number} offset */
  url(name, offset = 0) {
    return `http://127.0.0.1:${this.portBase + offset}/${name}`;
  }

  async destroy() {
    for (const start of this.starts) start.child.kill('SIGKILL');
    for (const record of this.seen.values()) if (isRunning(record)) process.kill(-record.pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Start {
  /** @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child */
  constructor(child) {
    this.child = child;
    this.output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    /** @type {Promise<number | string>} */
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing')));
    this.over = false;
    void this.ended.then(() => (this.over = true));
  }

  /** @param {string} text */
  async says(text) {
    await until(
      () => this.output.includes(text) || this.over,
      () => `"${text}" in:\n${this.output}`,
    );
    if (!this.output.includes(text)) throw new Error(`it ended without saying "${text}":\n${this.output}`);
  }
}
