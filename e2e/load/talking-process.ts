import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '@spillway/testing';

/** A node of the test's own, beside it: it is told what to do by lines, and answers by lines of JSON. */
export class TalkingProcess {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  /** @param file of this folder, as its source. @param argument what it is told from the start, as JSON */
  constructor(
    private readonly what: string,
    file: string,
    argument: object,
  ) {
    const hook = pathToFileURL(join(repositoryRoot(), 'tools', 'swc-hook.mjs')).href;
    this.child = spawn(process.execPath, ['--conditions=@spillway/source', '--import', hook, join(import.meta.dirname, file), JSON.stringify(argument)], { stdio: ['pipe', 'pipe', 'inherit'] });
    // it has ended: `next` says so
    this.child.stdin?.on('error', () => undefined);
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** What it says next. @throws Error when it has ended */
  async next<T>(): Promise<T> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error(`the process of ${this.what} has ended`);
    return JSON.parse(value) as T;
  }

  /** Nothing more is told to it: resolves when it has ended. */
  async end(): Promise<void> {
    this.child.stdin?.end();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
