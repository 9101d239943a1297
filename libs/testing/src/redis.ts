import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { tieToThisProcess, type Lifeline } from './lifeline.ts';
import { findRedisServer, type RedisServerBinary } from './redis-server-binary.ts';
import { askRedis, type RespValue } from './resp.ts';
import { freeze, thaw } from './freeze.ts';

export type RedisOptions = {
  /** Over what the launcher's own configuration says, which is the default: `{ maxmemory: '2mb', 'maxmemory-policy': 'noeviction' }`. */
  config?: Readonly<Record<string, string>>;
  password?: string;
};

/** As dedupe's Redis is set up everywhere: nothing on disk, the marks that end first go first. */
const DEFAULTS = { save: '""', appendonly: 'no', maxmemory: '256mb', 'maxmemory-policy': 'volatile-ttl' };

/** A private redis-server on a free port, without anything of an earlier one. */
export const startRedis = async (options: RedisOptions = {}): Promise<TestRedis> => {
  const redis = new TestRedis(findRedisServer(), await freePort(), mkdtempSync(join(tmpdir(), 'spillway-redis-')), options);
  try {
    await redis.restart();
    return redis;
  } catch (error) {
    await redis.stop();
    throw error;
  }
};

export class TestRedis {
  private child: ChildProcess | undefined;
  private lifeline: Lifeline | undefined;

  constructor(
    private readonly binary: RedisServerBinary,
    /** The same after every restart. */
    readonly port: number,
    private readonly dir: string,
    private options: RedisOptions,
  ) {}

  /** For SPILLWAY_DEDUPE_REDIS_URL. */
  get url(): string {
    return `redis://${this.options.password === undefined ? '' : `:${this.options.password}@`}127.0.0.1:${this.port}`;
  }

  get version(): string {
    return this.binary.version;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('Redis is not running');
    return this.child.pid;
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** One command, and its answer. @throws Error with Redis' own words when it refuses */
  ask(...args: (string | number)[]): Promise<RespValue> {
    return askRedis(this.port, this.options.password, args);
  }

  /** On the same port, empty. `options` replace the earlier ones. */
  async restart(options: RedisOptions = this.options): Promise<void> {
    await this.kill();
    this.options = options;
    const settings = { ...DEFAULTS, ...options.config, port: this.port, bind: '127.0.0.1', dir: this.dir, ...(options.password !== undefined && { requirepass: options.password }) };
    writeFileSync(join(this.dir, 'redis.conf'), Object.entries(settings).map(([name, value]) => `${name} ${value}\n`).join(''));
    const log = openSync(this.logFile, 'a');
    this.child = spawn(this.binary.path, [join(this.dir, 'redis.conf')], { stdio: ['ignore', log, log] });
    closeSync(log);
    await once(this.child, 'spawn');
    this.lifeline = tieToThisProcess(this.child, this.dir);
    await eventually(() => this.ask('PING'));
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    this.lifeline?.cut();
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** SIGSTOP: connections stay open and are even taken, nothing answers. */
  freeze(): void {
    freeze(this.pid);
  }

  thaw(): void {
    thaw(this.pid);
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private get logFile(): string {
    return join(this.dir, 'redis.log');
  }
}
