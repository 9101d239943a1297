import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '@spillway/testing';

export type Said = { what: 'won' | 'begun' | 'settled'; /** The shard's number, or the message's id. */ subject: string; at: number };

/** A shard worker as a process of its own, which may be killed and frozen. Everything it said is kept. */
export class WorkerProcess {
  readonly said: Said[] = [];
  private readonly child: ChildProcess;
  private readonly heard: Promise<unknown>;

  constructor(servers: string, replica: string) {
    const hook = pathToFileURL(join(repositoryRoot(), 'tools', 'swc-hook.mjs')).href;
    const script = join(import.meta.dirname, 'shard-worker.ts');
    this.child = spawn(process.execPath, ['--conditions=@spillway/source', '--import', hook, '--import', 'reflect-metadata', script, servers, replica], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => this.said.push(JSON.parse(line) as Said));
    this.heard = once(lines, 'close');
  }

  settled(): number {
    return this.said.filter(({ what }) => what === 'settled').length;
  }

  /** @param since only what was won after this */
  won(since = 0): number {
    return this.said.filter(({ what, at }) => what === 'won' && at > since).length;
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** Resolves when it is gone and everything it said is here. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.heard;
  }
}
