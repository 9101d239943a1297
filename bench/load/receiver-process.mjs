import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The receiver, in a process of its own. */
export const startReceiverProcess = async () => {
  const child = fork(fileURLToPath(new URL('receiver.mjs', import.meta.url)));
  const [{ port }] = await once(child, 'message');
  const ask = async (what) => {
    child.send(what);
    return (await once(child, 'message'))[0];
  };
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    reset: () => ask('reset'),
    state: () => ask('count'),
    latencies: async () => (await ask('latencies')).latencies,
    /** When nothing has come for `quietMs`. */
    drained: async (quietMs = 1_500, deadlineMs = 120_000) => {
      const until = performance.now() + deadlineMs;
      for (let last = -1; ; ) {
        const { count, lastAt } = await ask('count');
        if (count === last || performance.now() > until) return { count, lastAt };
        last = count;
        await new Promise((resolve) => setTimeout(resolve, quietMs));
      }
    },
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};
