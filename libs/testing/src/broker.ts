import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { tieToThisProcess, type Lifeline } from './lifeline.ts';
import { findNatsServer, type NatsServerBinary } from './nats-server-binary.ts';
import { freeze, thaw } from './freeze.ts';

export type BrokerOptions = {
  /** Lines for the server's configuration file: accounts, users, limits. */
  config?: string;
  /** Over the defaults of the `jetstream` block, such as `{ sync_interval: '2m' }` or `{ max_file_store: '64MB' }`. */
  jetstream?: Readonly<Record<string, string | number>>;
};

type Ports = { nats: string; monitor: string };

/** A private nats-server with JetStream on free ports: one per test file, so files run in parallel. */
export const startBroker = async (options: BrokerOptions = {}): Promise<TestBroker> => {
  const broker = new TestBroker(findNatsServer(), mkdtempSync(join(tmpdir(), 'spillway-broker-')), options);
  try {
    await broker.restart();
    return broker;
  } catch (error) {
    await broker.stop();
    throw error;
  }
};

export class TestBroker {
  private ports: Ports | undefined;
  private child: ChildProcess | undefined;
  private lifeline: Lifeline | undefined;

  constructor(private readonly binary: NatsServerBinary, readonly dir: string, private options: BrokerOptions) {}

  /** `127.0.0.1:<port>`, the same after every restart. */
  get url(): string {
    return new URL(this.known().nats).host;
  }

  get monitorUrl(): string {
    return new URL(this.known().monitor).origin;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the broker is not running');
    return this.child.pid;
  }

  get version(): string {
    return this.binary.version;
  }

  /** What the server has said since its first start: for the message of a test that fails. */
  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** On the same ports and the same data. `options` replace the earlier ones, to change the configuration under a stream. */
  async restart(options: BrokerOptions = this.options): Promise<void> {
    await this.kill();
    this.options = options;
    writeFileSync(this.configFile, this.configuration());
    const outcome = await eventually(() => this.launch());
    if (outcome instanceof Error) throw outcome;
    this.ports = outcome;
  }

  /** SIGKILL, as a crash: nothing is flushed, the data stays. */
  async kill(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    this.lifeline?.cut();
    if (child === undefined || hasEnded(child)) return;
    child.ref();
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(): void {
    freeze(this.pid);
  }

  thaw(): void {
    thaw(this.pid);
  }

  /** Ends it and removes its data. May be called twice. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private get configFile(): string {
    return join(this.dir, 'nats.conf');
  }

  private get logFile(): string {
    return join(this.dir, 'nats.log');
  }

  private known(): Ports {
    if (this.ports === undefined) throw new Error('the broker was never started');
    return this.ports;
  }

  /** `sync_interval: always`, as in production: an acknowledged message is on disk, and a kill of the machine would not lose it. */
  private configuration(): string {
    const jetstream = { store_dir: JSON.stringify(join(this.dir, 'data')), sync_interval: 'always', ...this.options.jetstream };
    return [
      `host: 127.0.0.1`,
      `port: ${this.ports ? new URL(this.ports.nats).port : -1}`,
      `http: "127.0.0.1:${this.ports ? new URL(this.ports.monitor).port : -1}"`,
      `ports_file_dir: ${JSON.stringify(this.dir)}`,
      `jetstream { ${Object.entries(jetstream).map(([key, value]) => `${key}: ${value}`).join(', ')} }`,
      this.options.config ?? '',
    ].join('\n');
  }

  private portsFiles(): string[] {
    return readdirSync(this.dir).filter((name) => name.endsWith('.ports'));
  }

  /**
   * An `Error` when the server refuses to start.
   * @throws when its port is taken for the moment: while it was down, a connection of some other process may have been given the number
   */
  private async launch(): Promise<Ports | Error> {
    for (const file of this.portsFiles()) rmSync(join(this.dir, file)); // a killed server leaves its own behind
    const log = openSync(this.logFile, 'a');
    const before = fstatSync(log).size;
    const child = spawn(this.binary.path, ['-c', this.configFile], { stdio: ['ignore', log, log] });
    closeSync(log);
    await once(child, 'spawn');
    this.child = child;
    this.lifeline = tieToThisProcess(child, this.dir);
    const ports = await eventually(() => (hasEnded(child) ? undefined : this.readPorts()));
    if (ports !== undefined) return ports;
    await this.kill();
    const ended = new Error(`nats-server ended at once: ${this.log.slice(before).slice(-2_000)}`);
    if (ended.message.includes('address already in use')) throw ended;
    return ended;
  }

  /** The server writes the file once it takes connections, and not in one piece: a half-written one does not parse, and is read again. */
  private readPorts(): Ports {
    const file = this.portsFiles()[0];
    if (file === undefined) throw new Error(`nats-server has not written its ports file yet: ${this.log.slice(-2_000)}`);
    const { nats, monitoring } = JSON.parse(readFileSync(join(this.dir, file), 'utf8')) as { nats?: string[]; monitoring?: string[] };
    if (nats?.[0] === undefined || monitoring?.[0] === undefined) throw new Error(`no ports in ${file}`);
    return { nats: nats[0], monitor: monitoring[0] };
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
