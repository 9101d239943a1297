import { spawn } from 'node:child_process';

/** From SIGTERM to SIGKILL: the apps' own budget for draining is 10 s. */
const PATIENCE_SECONDS = 12;

/**
 * A shell that outlives us by a moment. It reads which process groups we have started, one line with all of them at each change; when the pipe
 * ends while groups are named, we were killed: then it stops them, the last of the line (the broker) after the others. It costs 1 MB, and is the
 * one thing that also works after SIGKILL. (`kill -s TERM`: dash takes no `--` after `-TERM`.)
 */
const SCRIPT = `
stop() {
  for group in "$@"; do kill -s TERM -- "-$group" 2>/dev/null; done
  left=$((${PATIENCE_SECONDS} * 10))
  for group in "$@"; do
    while kill -s 0 -- "-$group" 2>/dev/null && [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
    kill -s KILL -- "-$group" 2>/dev/null
  done
}
groups=''
while read -r line; do groups=$line; done
last=''
others=''
for group in $groups; do others="$others $last"; last=$group; done
stop $others
stop $last
`;

/** @returns {{ watch: (pids: number[]) => void, release: () => void }} */
export const startReaper = () => {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'spillway-reaper'], { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.on('error', () => undefined); // no /bin/sh: the next start still finds what is left by the lock file
  shell.stdin.on('error', () => undefined); // somebody killed it: likewise
  shell.unref();
  return {
    watch: (pids) => void shell.stdin.write(`${pids.join(' ')}\n`),
    release: () => shell.stdin.end('\n'),
  };
};
