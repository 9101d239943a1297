import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@spillway/testing';

/** Counts what a process asks of the disk, by strace: a SIGKILL of the server cannot show a missing fsync, because the page cache outlives it. */
export class DiskSyncs {
  private constructor(
    private readonly dir: string,
    private readonly strace: ChildProcess,
  ) {}

  static async of(pid: number): Promise<DiskSyncs> {
    const dir = mkdtempSync(join(tmpdir(), 'spillway-strace-'));
    const strace = spawn('strace', ['-f', '-e', 'trace=fsync,fdatasync', '-o', join(dir, 'calls'), '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
    const failed = once(strace, 'error').then(([error]) => Promise.reject(new Error('strace is wanted for this test (apt install strace)', { cause: error })));
    let said = '';
    strace.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const attached = eventually(() => {
      if (!said.includes('attached')) throw new Error(`strace did not attach to ${pid}: ${said}`);
    });
    await Promise.race([attached, failed]);
    return new DiskSyncs(dir, strace);
  }

  /** Calls that have returned: one that was interrupted in the trace is written as two lines, only the last with the result. */
  count(): number {
    return readFileSync(join(this.dir, 'calls'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('sync') && line.endsWith('= 0')).length;
  }

  async stop(): Promise<void> {
    const exited = once(this.strace, 'exit');
    this.strace.kill('SIGINT'); // it lets go of the process, which runs on
    await exited;
    rmSync(this.dir, { recursive: true });
  }
}
