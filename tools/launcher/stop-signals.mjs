import { watchNpm } from '../bootstrap/parent-watch.mjs';
import { isReentered, onOuterSays } from '../bootstrap/reenter.mjs';

/** One Ctrl-C reaches us up to three times (terminal, npm, the outer process); a second one is meant only when it comes later than this. */
const SAME_PRESS_MS = 1_000;

/**
 * Everything that can tell this command to stop, as one signal; a second time means at once.
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ signal: AbortSignal, onSecond: (atOnce: () => void) => void }} the signal is aborted with why
 */
export const stopSignals = (env) => {
  /** @type {(() => void) | undefined} none until there is something to stop: then the first time was at once already */
  let atOnce;
  const controller = new AbortController();
  let firstAt = 0;
  const stop = (/** @type {string} */ why) => {
    if (!controller.signal.aborted) {
      firstAt = Date.now();
      controller.abort(why);
    } else if (Date.now() - firstAt > SAME_PRESS_MS) atOnce?.();
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => stop(signal));
  if (isReentered(env)) onOuterSays(stop);
  else watchNpm(env, stop);
  return {
    signal: controller.signal,
    onSecond: (action) => {
      atOnce = action;
    },
  };
};
