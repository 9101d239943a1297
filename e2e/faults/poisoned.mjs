// Loaded into an app under test before anything of ours (NODE_OPTIONS=--import): what dedupe hashes and what an attempt signs is looked at, and `poison:<app>:<how>` in it
// does to the process what a fault of ours in handling that one message would do. SPILLWAY_TEST_POISON names the app.
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

const app = process.env['SPILLWAY_TEST_POISON'];
/** @type {Record<string, () => void>} */
const ways = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  block: () => {
    for (;;);
  },
  throw: () => {
    throw new TypeError('poisoned');
  },
};

/** @param {unknown} data */
const look = (data) => {
  if (!(data instanceof Uint8Array)) return;
  const how = new RegExp(`poison:${app}:(\\w+)`).exec(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1'))?.[1];
  if (how !== undefined) ways[how]?.();
};

const { hash } = crypto;
// oxlint-disable-next-line typescript/unbound-method -- applied to its own object below
const { update } = crypto.Hmac.prototype;
crypto.hash = /** @type {typeof hash} */ (
  (/** @type {Parameters<typeof hash>} */ ...asked) => {
    look(asked[1]);
    return hash(...asked);
  }
);
crypto.Hmac.prototype.update = /** @type {typeof update} */ (
  /** @this {import('node:crypto').Hmac} @param {Parameters<typeof update>} asked */
  function (...asked) {
    look(asked[0]);
    return update.apply(this, asked);
  }
);
syncBuiltinESMExports();
