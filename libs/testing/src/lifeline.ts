import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Waits for the end of its input, which is the end of this process, however it ends: an exit hook would not run
 * after a SIGKILL, nor inside jest's sandbox. Then it kills the child and empties its folder, if one is named. Ctrl-C goes to the whole group: ignored.
 */
const WATCH = `trap '' INT TERM HUP; read _; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2"`;

export type Lifeline = { cut(): void };

/** Ties a child to the life of this process. `cut` before the child is ended on purpose, or a reused pid might be hit. */
export const tieToThisProcess = (child: ChildProcess, dir = ''): Lifeline => {
  const guard = spawn('/bin/sh', ['-c', WATCH, 'lifeline', String(child.pid), dir], { stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  // The pipe is a socket; a type without `unref` is all that the stream promises.
  (guard.stdin as unknown as { unref(): void }).unref();
  child.unref();
  return { cut: () => void guard.kill('SIGKILL') };
};
