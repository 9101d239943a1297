import type { Logger } from '@spillway/telemetry';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

type Running = { stop: () => Promise<void>; log: Logger };

/** Everything this process serves: one app, or several in compact form. They stop together and the process ends once. */
const running = new Set<Running>();
let stopping = false;

/** Until the function it gives is called, a signal stops this service and then ends the process. */
export const stopOnSignals = (service: Running): (() => void) => {
  if (running.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal);
  running.add(service);
  return () => {
    running.delete(service);
    if (running.size === 0 && !stopping) for (const signal of SIGNALS) process.off(signal, onSignal);
  };
};

const onSignal = (signal: NodeJS.Signals): void => {
  for (const { log } of running) log.info({ signal }, stopping ? 'second signal: leaving at once' : 'stopping');
  if (stopping) process.exit(1);
  stopping = true;
  void stopAll().then((clean) => process.exit(clean ? 0 : 1));
};

const stopAll = async (): Promise<boolean> => {
  const ends = await Promise.allSettled(
    [...running].map(async ({ stop, log }) => {
      try {
        await stop();
      } catch (error) {
        log.fatal({ err: error }, 'stopping failed');
        throw error;
      }
    }),
  );
  return ends.every(({ status }) => status === 'fulfilled');
};
