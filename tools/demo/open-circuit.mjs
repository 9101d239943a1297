import { inMs, must } from './demo.mjs';

const EVENTS = 30;
/** A probe comes after 1, 2, 4 s …; what was parked goes as its successes allow, what was tried before when its retry is due. */
const DRAIN_WITHIN_MS = 60_000;

/** An endpoint that is down: after a few failures nobody goes there, what is for it waits, and it is found again by itself. @param {import('./demo.mjs').Demo} demo */
export const openCircuit = async (demo) => {
  demo.title('An endpoint that is down: its circuit, and the recovery');
  const type = demo.typeOf('stock.changed');
  let isDown = true;
  const receiver = await demo.receiver(() => (isDown ? 503 : 204));
  await demo.endpoint({ url: receiver.url, types: [type] });
  const before = await parked(demo);
  const ids = await Promise.all(Array.from({ length: EVENTS }, async (_, n) => (await demo.api.send(type, `{"n":${n}}`)).id));
  demo.tell(`${EVENTS} events are accepted for an endpoint that answers 503`);

  const waiting = await demo.until('deliveries that wait for their endpoint', async () => Math.max(0, (await parked(demo)) - before) || undefined);
  const tried = receiver.requests.length;
  demo.tell(`after ${tried} attempts its circuit is open: ${waiting} deliveries are parked, unattempted, and cost nobody anything`);
  must(tried < EVENTS, `all ${EVENTS} were attempted: the circuit never opened`);

  isDown = false;
  const backAt = performance.now();
  demo.tell('the endpoint is back, and nobody tells Spillway');
  const probe = await demo.until('the probe', () => receiver.requests[tried], DRAIN_WITHIN_MS);
  demo.tell(`a probe found it ${inMs(probe.at - backAt)} later`);
  const served = () => new Set(receiver.requests.filter(({ at }) => at > backAt).map(({ id }) => id));
  await demo.until('all of them', () => ids.every((id) => served().has(id)), DRAIN_WITHIN_MS);
  demo.tell(`all ${EVENTS} are delivered, ${inMs(performance.now() - backAt)} after it was back`);
};

/** How many deliveries wait for their endpoint, over all endpoints. @param {import('./demo.mjs').Demo} demo @returns {Promise<number>} */
const parked = async ({ api }) => {
  const { queues } = await api.status();
  return queues.filter((/** @type {any} */ { name }) => name === 'parked-first').reduce((/** @type {number} */ sum, /** @type {any} */ { waiting }) => sum + waiting, 0);
};
