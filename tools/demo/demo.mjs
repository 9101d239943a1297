import { randomBytes } from 'node:crypto';
import { startReceiver } from './receiver.mjs';

/** A step that should take a second or a minute, by its own deadline; this one is for what should be there at once. */
const SOON_MS = 15_000;
const LOOK_EVERY_MS = 20;

/** Says what it does, with the time since it began, and takes back what it made. */
export class Demo {
  /** @param {import('./api.mjs').Api} api @param {(text: string) => void} say */
  constructor(api, say) {
    this.api = api;
    this.say = say;
    this.began = performance.now();
    this.part = 0;
    /** Of the step that failed, if one does. */
    this.doing = 'starting';
    /** So that two demos at once do not get each other's events. */
    this.run = randomBytes(4).toString('hex');
    /** @type {(() => Promise<unknown>)[]} */
    this.undo = [];
  }

  /** @param {string} title */
  title(title) {
    this.part += 1;
    this.doing = title;
    this.say(`\n${this.part}  ${title}`);
  }

  /** @param {string} text */
  tell(text) {
    this.say(`   ${((performance.now() - this.began) / 1_000).toFixed(2).padStart(6)} s  ${text}`);
  }

  /** A type of event that only one endpoint of this run wants. @param {string} name */
  typeOf(name) {
    return `demo.${name}.${this.run}`;
  }

  /** A receiver on this machine. @param {import('./receiver.mjs').Handler} [handler] */
  async receiver(handler) {
    const receiver = await startReceiver(handler);
    this.undo.push(() => receiver.stop());
    return receiver;
  }

  /** @param {{ url: string, types: string[] } & Record<string, unknown>} settings */
  async endpoint(settings) {
    const endpoint = await this.api.createEndpoint(settings);
    this.undo.unshift(() => this.api.deleteEndpoint(endpoint.id));
    return endpoint;
  }

  /**
   * Looks until there is something to see.
   * @template T @param {string} what it waits for, in words @param {() => T | undefined | false | Promise<T | undefined | false>} look @param {number} [withinMs] @returns {Promise<T>}
   */
  async until(what, look, withinMs = SOON_MS) {
    const endsAt = performance.now() + withinMs;
    for (;;) {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      if (performance.now() > endsAt) throw new Error(`${what}: not within ${withinMs / 1_000} s`);
      await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /** Endpoints first, then receivers: nothing is sent to where nobody listens. */
  async end() {
    for (const step of this.undo.splice(0)) await step().catch((/** @type {Error} */ error) => this.say(`   could not be taken back: ${error.message}`));
  }
}

/** @param {unknown} holds @param {string} what */
export const must = (holds, what) => {
  if (!holds) throw new Error(what);
};

/** @param {number} ms */
export const inMs = (ms) => `${Math.round(ms)} ms`;
