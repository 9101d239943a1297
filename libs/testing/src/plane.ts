import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startBroker, type BrokerOptions, type TestBroker } from './broker.ts';
import { freePort } from './free-port.ts';
import { launchedApps, type LaunchedApp } from './launched-apps.ts';
import { PlaneProcess } from './plane-process.ts';
import { startRedis, type RedisOptions, type TestRedis } from './redis.ts';
import { repositoryRoot } from './repository.ts';

export type AppName = 'ingest' | 'console' | 'dedupe' | 'dispatcher' | 'retrier';
type Env = Readonly<Record<string, string>>;

export type PlaneOptions = {
  /** How many of each at the start; one unless said otherwise, of the retrier none. `add` brings more. */
  apps?: Partial<Record<AppName, number>>;
  /** Over what the launcher would give. */
  env?: Partial<Record<AppName, Env>>;
  /** For provisioning: `{ SPILLWAY_MAX_BYTES_INGEST: '4MiB' }`. */
  limits?: Env;
  broker?: BrokerOptions;
  /** A Redis for dedupe, as the launcher starts one where there is one to be had. Unless asked for there is none, and dedupe goes by what JetStream remembers. */
  redis?: true | RedisOptions;
};

export type CreatedEndpoint = { id: string; secret: string; url: string };
export type NatsLogin = { servers: string; user: string; pass: string };

/** Without a retrier what failed stays where it can be counted. */
const AT_START: Readonly<Record<AppName, number>> = { ingest: 1, console: 1, dedupe: 1, dispatcher: 1, retrier: 0 };
/** What it says at a start and no more is some twenty lines; the whole log is kept. */
const BROKER_TAIL_LINES = 10;

/**
 * A whole plane of real processes on free ports: nats-server, provisioned by the CLI, and the built apps as `npm start` runs them. Ready when it returns.
 * @throws Error with the end of the log of whatever did not start
 */
export const startPlane = async (options: PlaneOptions = {}): Promise<Plane> => {
  const parent = join(repositoryRoot(), 'tmp', 'planes');
  mkdirSync(parent, { recursive: true });
  // a new one each time: jest loads this module anew for every file, so a counter of ours would give the logs and the worlds that a failure kept to the next file
  const dir = mkdtempSync(join(parent, `${process.pid}-`));
  const table = await launchedApps();
  const passwords = Object.fromEntries(table.natsUsers.map((user) => [user, newPassword()]));
  const brokerOptions = { ...options.broker, config: `${accountOf(passwords)}\n${options.broker?.config ?? ''}` };
  const [broker, redis] = await Promise.all([startBroker(brokerOptions), options.redis && startRedis(options.redis === true ? { password: newPassword() } : options.redis)]);
  const plane = new Plane({ dir, broker, redis, brokerOptions, passwords, options, rows: table.apps, mainFile: table.mainFile });
  try {
    await plane.provision();
    const counts = Object.entries({ ...AT_START, ...options.apps }) as [AppName, number][];
    await Promise.all(counts.flatMap(([app, count]) => Array.from({ length: count }, () => plane.add(app))));
    return plane;
  } catch (error) {
    await plane.stop({ keepLogs: true });
    throw error;
  }
};

/** Starts a plane, and always stops it. When `body` throws, the logs are kept under tmp/planes and their ends printed. */
export const onPlane = async <T>(options: PlaneOptions, body: (plane: Plane) => Promise<T>): Promise<T> => {
  const plane = await startPlane(options);
  let failed = true;
  try {
    const result = await body(plane);
    failed = false;
    return result;
  } finally {
    await plane.stop({ keepLogs: failed });
  }
};

/** Of characters that mean nothing in NATS's configuration, nor in Redis'. */
const newPassword = (): string => `pw${randomBytes(12).toString('hex')}`;

const accountOf = (passwords: Env): string =>
  `accounts { SPILLWAY { jetstream: enabled, users: [ ${Object.entries(passwords)
    .map(([user, password]) => `{ user: ${user}, password: ${password} }`)
    .join(', ')} ] } }`;

type Parts = { dir: string; broker: TestBroker; redis: TestRedis | undefined; brokerOptions: BrokerOptions; passwords: Env; options: PlaneOptions; rows: readonly LaunchedApp[]; mainFile: (app: LaunchedApp) => string };

export class Plane {
  readonly broker: TestBroker;
  readonly adminKey = `spw_${randomBytes(24).toString('base64url')}`;
  private readonly masterKey = randomBytes(32).toString('base64');
  private readonly processes: PlaneProcess[] = [];
  private readonly replicas = new Map<AppName, number>();

  constructor(private readonly parts: Parts) {
    this.broker = parts.broker;
  }

  /** @param replica in the order they were added, from 0 */
  app(name: AppName, replica = 0): PlaneProcess {
    const found = this.processes.find((process) => process.name === `${name}-${replica}`);
    if (!found) throw new Error(`no ${name} ${replica} in this plane: ${this.processes.map((process) => process.name).join(', ')}`);
    return found;
  }

  /** One more replica, started and ready. */
  async add(name: AppName, env: Env = {}): Promise<PlaneProcess> {
    const added = await this.prepare(name, env);
    await added.start();
    await added.ready();
    return added;
  }

  /** One more replica that is not started: for one that is expected to refuse. */
  async prepare(name: AppName, env: Env = {}): Promise<PlaneProcess> {
    const row = this.parts.rows.find((app) => app.name === name);
    if (!row) throw new Error(`the launcher knows no app ${name}`);
    const replica = this.replicas.get(name) ?? 0;
    this.replicas.set(name, replica + 1);
    const port = await freePort();
    const { dir, mainFile, options } = this.parts;
    const spec = {
      app: name,
      replica,
      args: ['--enable-source-maps', mainFile(row)],
      cwd: repositoryRoot(),
      env: { ...this.environmentOf(row), SPILLWAY_PORT_BASE: String(port - row.portOffset), ...options.env?.[name], ...env },
      url: `http://127.0.0.1:${port}`,
      logFile: join(dir, `${name}-${replica}.log`),
    };
    const prepared = new PlaneProcess(spec);
    this.processes.push(prepared);
    return prepared;
  }

  /** Dedupe's. @throws Error when the plane was started without */
  get redis(): TestRedis {
    if (!this.parts.redis) throw new Error('this plane was started without redis');
    return this.parts.redis;
  }

  /** For whatever a test does with the broker itself. */
  get nats(): NatsLogin {
    return { servers: this.broker.url, user: 'provisioner', pass: this.parts.passwords['provisioner'] ?? '' };
  }

  /** To restart the broker with: with its users, and what a test changes. */
  get brokerOptions(): BrokerOptions {
    return this.parts.brokerOptions;
  }

  get worldsFile(): string {
    return join(this.parts.dir, 'worlds.json');
  }

  /** `spillway provision`. @throws Error with what it said when it refuses */
  provision(env: Env = {}, args: readonly string[] = []): Promise<string> {
    return this.run(['provision', ...args], { ...this.parts.options.limits, ...env });
  }

  /** Any command of the CLI, as an operator types it. @throws Error with what it said when it refuses */
  spillway(...args: readonly string[]): Promise<string> {
    const urls = { SPILLWAY_URL: this.app('console').url, SPILLWAY_INGEST_URL: this.app('ingest').url, SPILLWAY_KEY: this.adminKey };
    return this.run(args, { ...this.parts.options.limits, ...urls });
  }

  private async run(args: readonly string[], env: Env): Promise<string> {
    const user = { ...this.userEnvironment('provisioner'), NATS_MONITOR_URL: this.broker.monitorUrl, ...env };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--enable-source-maps', 'apps/cli/dist/main.js', ...args], { cwd: repositoryRoot(), env: user, timeout: 60_000 });
    return `${stdout}${stderr}`;
  }

  /** By the console's HTTP API. */
  async createEndpoint(tenant: string, endpoint: { url: string } & Record<string, unknown>): Promise<CreatedEndpoint> {
    const { status, body } = await this.ask('POST', `${this.app('console').url}/v1/tenants/${tenant}/endpoints`, endpoint);
    if (status !== 201) throw new Error(`endpoint not created: ${status} ${body}`);
    return JSON.parse(body) as CreatedEndpoint;
  }

  /** One event, once. For many see `sendUntilAnswered`. @param event as text, to say exactly which bytes */
  send(event: string | { tenant: string; type: string; data: unknown; id?: string }, headers: Env = {}): Promise<{ status: number; body: string; headers: Headers }> {
    return this.ask('POST', `${this.app('ingest').url}/v1/events`, event, headers);
  }

  async ask(method: string, url: string, body?: unknown, headers: Env = {}): Promise<{ status: number; body: string; headers: Headers }> {
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${this.adminKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    return { status: response.status, body: await response.text(), headers: response.headers };
  }

  /** At once: the data is thrown away. Leaves no process. May be called twice. */
  async stop({ keepLogs = false } = {}): Promise<void> {
    if (keepLogs) this.report();
    await Promise.all(this.processes.map((process) => process.kill()));
    await this.broker.stop();
    await this.parts.redis?.stop();
    if (!keepLogs) rmSync(this.parts.dir, { recursive: true, force: true });
  }

  private report(): void {
    writeFileSync(join(this.parts.dir, 'nats.log'), this.broker.log);
    const tails = this.processes.map((process) => `--- ${process.name}\n${process.tail()}`);
    process.stderr.write(`${tails.join('\n')}\n--- nats\n${this.broker.log.split('\n').slice(-BROKER_TAIL_LINES).join('\n')}\nlogs kept in ${this.parts.dir}\n`);
  }

  private userEnvironment(user: string): Record<string, string> {
    const inherited = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'SPILLWAY_NICE'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
    return {
      ...Object.fromEntries(inherited),
      NATS_URL: `nats://${this.broker.url}`,
      NATS_USER: user,
      NATS_PASSWORD: this.parts.passwords[user] ?? '',
      SPILLWAY_WORLDS_FILE: this.worldsFile,
    };
  }

  private environmentOf(row: LaunchedApp): Record<string, string> {
    const { redis } = this.parts;
    const secrets: Record<string, string> = { SPILLWAY_ADMIN_KEY: this.adminKey, SPILLWAY_MASTER_KEY: this.masterKey, ...(redis && { SPILLWAY_DEDUPE_REDIS_URL: redis.url }) };
    return {
      ...this.userEnvironment(row.name),
      SPILLWAY_BIND: '127.0.0.1',
      SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8',
      ...(row.asksBroker ? { NATS_MONITOR_URL: this.broker.monitorUrl } : {}),
      // what an app could be given and a plane under test has not, such as a Redis, is left out
      ...Object.fromEntries(row.secrets.flatMap((name) => (secrets[name] === undefined ? [] : [[name, secrets[name]]]))),
    };
  }
}
