import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { eventually } from './eventually.ts';
import { tieToThisProcess, type Lifeline } from './lifeline.ts';
import { freeze, thaw } from './freeze.ts';

export type PlaneProcessSpec = {
  /** `dispatcher`, and which of them. */
  app: string;
  replica: number;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  url: string;
  logFile: string;
};

export type Ended = { code: number | null; signal: NodeJS.Signals | null };

/** The apps' own budget for draining is 10 s. */
const STOP_WITHIN_MS = 15_000;
/** An app boots in one to two seconds; ten times that on a machine that is busy. */
const READY_WITHIN_MS = 60_000;
const TAIL_LINES = 25;

/** One app of a plane, as a process of its own that can be killed, frozen and started again on the same port. */
export class PlaneProcess {
  private child: ChildProcess | undefined;
  private lifeline: Lifeline | undefined;

  constructor(private readonly spec: PlaneProcessSpec) {}

  get name(): string {
    return `${this.spec.app}-${this.spec.replica}`;
  }

  get url(): string {
    return this.spec.url;
  }

  get pid(): number {
    if (this.child?.pid === undefined || hasEnded(this.child)) throw new Error(`${this.name} is not running`);
    return this.child.pid;
  }

  get running(): boolean {
    return this.child !== undefined && !hasEnded(this.child);
  }

  /** Everything it has said since its first start. */
  logs(): string {
    return existsSync(this.spec.logFile) ? readFileSync(this.spec.logFile, 'utf8') : '';
  }

  tail(): string {
    return this.logs().trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  /** Does not wait until it is ready. @param env over what it was given at first, for this life only */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.running) throw new Error(`${this.name} runs already`);
    this.lifeline?.cut();
    const log = openSync(this.spec.logFile, 'a');
    // it writes to the file itself: what passes through us would be paid from the same two cores
    const child = spawn(process.execPath, this.spec.args, { cwd: this.spec.cwd, env: { ...this.spec.env, ...env }, stdio: ['ignore', log, log] });
    closeSync(log);
    await once(child, 'spawn');
    this.child = child;
    this.lifeline = tieToThisProcess(child);
  }

  /** @throws Error with the end of its log when it ends instead, or takes too long */
  async ready(timeoutMs = READY_WITHIN_MS): Promise<void> {
    try {
      const up = await eventually(() => (this.running ? this.answersReady() : false), timeoutMs);
      if (!up) throw new Error(`${this.name} ended instead of getting ready`);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.tail()}`, { cause: error });
    }
  }

  /** What /readyz says now, whatever the status. */
  async readiness(): Promise<{ status: number; body: string }> {
    const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return { status: response.status, body: await response.text() };
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.kill();
    await this.start(env);
    await this.ready();
  }

  freeze(): void {
    freeze(this.pid);
  }

  thaw(): void {
    thaw(this.pid);
  }

  /** SIGTERM, as `npm start` stops it; SIGKILL for who does not go. @returns how it went; undefined when it was not running */
  async stop(): Promise<Ended | undefined> {
    if (!this.running) return undefined;
    this.thaw(); // a frozen process hears nothing
    const lastResort = setTimeout(() => this.child?.kill('SIGKILL'), STOP_WITHIN_MS);
    try {
      return await this.end('SIGTERM');
    } finally {
      clearTimeout(lastResort);
    }
  }

  /** Waits for its end by itself: a start that is refused. */
  async ended(timeoutMs = 30_000): Promise<Ended> {
    return eventually(() => {
      if (this.running || this.child === undefined) throw new Error(`${this.name} still runs\n${this.tail()}`);
      return endOf(this.child);
    }, timeoutMs);
  }

  private async end(signal: NodeJS.Signals): Promise<Ended | undefined> {
    const child = this.child;
    this.lifeline?.cut();
    if (child === undefined || hasEnded(child)) return undefined;
    child.ref();
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return endOf(child);
  }

  private async answersReady(): Promise<true> {
    const { status, body } = await this.readiness();
    if (status !== 200) throw new Error(`${this.name} is not ready: ${status} ${body}`);
    return true;
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
const endOf = ({ exitCode, signalCode }: ChildProcess): Ended => ({ code: exitCode, signal: signalCode });
