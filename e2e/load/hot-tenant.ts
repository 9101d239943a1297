import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type HotTenantOptions = { url: string; key: string; tenant: string; dataBytes: number; requests: number; /** Begun a second, if its connections keep up. */ perSecond: number; connections: number };

/** `answers`: how often each status, or error code of a connection, was the answer. `missing`: accepted and never received; `strange`: received and never accepted. */
export type HotTenantBooks = { answers: Record<string, number>; withoutRetryAfter: number; accepted: number; missing: number; strange: number };

/** A producer that knows no measure, with a receiver of its own, as a process of its own. */
export class HotTenant {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(options: HotTenantOptions) {
    this.child = spawn(process.execPath, [join(import.meta.dirname, 'hot-tenant.mjs'), JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  /** Where its receiver listens. */
  async receiver(): Promise<string> {
    return (await this.next<{ receiver: string }>()).receiver;
  }

  /** Sends it all. */
  async sendAll(): Promise<void> {
    this.child.stdin?.write('go\n');
    await this.next();
  }

  /** Once everything of it that was accepted has arrived. */
  async books(): Promise<HotTenantBooks> {
    const books = await this.next<HotTenantBooks>();
    this.child.stdin?.end();
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return books;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async next<T>(): Promise<T> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error('the hot tenant’s process has ended');
    return JSON.parse(value) as T;
  }
}
