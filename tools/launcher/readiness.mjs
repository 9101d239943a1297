import { setTimeout as delay } from 'node:timers/promises';

const ASK_EVERY_MS = 150;
const ANSWER_WITHIN_MS = 2_000;
const PROGRESS_EVERY_MS = 5_000;

/** Undefined when it is ready, else why not, in a few words. @param {string} url @returns {Promise<string | undefined>} */
export const notReady = async (url) => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const body = await response.text();
    return response.status === 200 ? undefined : failingChecks(body) || `answers ${response.status}`;
  } catch {
    return 'does not answer yet';
  }
};

/** @param {string} body */
const failingChecks = (body) => {
  try {
    /** @type {[string, { ok: boolean, detail?: unknown }][]} */
    const checks = Object.entries(JSON.parse(body).checks ?? {});
    const failing = checks.filter(([, { ok }]) => !ok);
    return failing.map(([name, { detail }]) => (detail === undefined ? name : `${name}: ${JSON.stringify(detail)}`)).join(', ');
  } catch {
    return '';
  }
};

/**
 * Waits until all are ready, however long it takes (a broker that reads back a large store needs its time), and says what it waits for.
 * @param {{ name: string, url: string }[]} probes
 * @param {{ say: (text: string) => void, signal: AbortSignal }} options
 */
export const untilReady = async (probes, { say, signal }) => {
  let waiting = probes;
  let saidAt = Date.now();
  for (;;) {
    const answers = await Promise.all(waiting.map(async (probe) => ({ probe, why: await notReady(probe.url) })));
    signal.throwIfAborted();
    const missing = answers.filter(({ why }) => why !== undefined);
    if (missing.length === 0) return;
    waiting = missing.map(({ probe }) => probe);
    if (Date.now() - saidAt >= PROGRESS_EVERY_MS) {
      say(`waiting for ${missing.map(({ probe, why }) => `${probe.name} (${why})`).join(', ')}`);
      saidAt = Date.now();
    }
    await delay(ASK_EVERY_MS, undefined, { signal });
  }
};
