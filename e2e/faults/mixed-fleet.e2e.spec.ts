import { setTimeout as pause } from 'node:timers/promises';
import { Books, eventually, sendUntilAnswered, startReceiver, type Plane, type Receiver, type ToSend } from '@spillway/testing';
import { onPlaneInView } from '../broker-view.ts';
import { SickEndpoints, type Sickness } from '../sick-endpoints.ts';

/** 70 % healthy, 10 % hang until their timeout, 10 % answer 500, 5 % refuse, 5 % drip: 40 endpoints here, `npm run bench -- isolation` has 200. */
const FLEET = { healthy: 28, hang: 4, fail: 4, refuse: 2, drip: 2 };
const SICK: readonly (Sickness | 'refuse')[] = ['hang', 'drip', 'fail', 'refuse'];
/** Half of them is what long attempts may have: fewer than the 12 that the six which hang or drip hold while nothing is known of them, and than the 96 they have earned when they answered before. */
const SLOTS = 20;
const SICK_SLOTS = SLOTS / 2;
/** The most that may be set: what hangs is to hang for as long as this test looks. */
const TIMEOUT_SECONDS = 60;
/** Few enough that all of them are sent and seen within that minute on a slow machine, too. */
const EACH = 10;
const EACH_SICK = 10;
/** Nobody listens on the discard port. */
const REFUSING = 'http://127.0.0.1:9';
/** An endpoint that has not answered for so long has fallen silent, whatever it took before. */
const SILENT_MS = 1_000;
/** So long that a cure finds everything still waiting. */
const SCHEDULE = Array.from({ length: 40 }, () => 2);

let sick: SickEndpoints;
let healthy: Receiver;
let books: Books;
/** How many attempts the sick held as each first attempt at a healthy endpoint began. */
let heldMeanwhile: number[];
beforeEach(async () => {
  heldMeanwhile = [];
  books = new Books(({ type }) => [type]);
  sick = await SickEndpoints.start((path, event, at) => books.arrived({ url: path, headers: { 'webhook-id': event }, at }));
  healthy = await startReceiver((request) => {
    heldMeanwhile.push(sick.held);
    books.arrived(request);
    return 200;
  });
});
afterEach(() => Promise.all([sick.stop(), healthy.stop()]));

const names = (kind: keyof typeof FLEET): string[] => Array.from({ length: FLEET[kind] }, (_, n) => `${kind}.${n}`);
const SLOW = [...names('hang'), ...names('drip')];
/** Five successes earn a whole cap. */
const KNOWN_BY = 6;
/** Of the healthy four tenants, all the sick of another: no tenant's share is what holds them apart. */
const tenantOf = (type: string): string => (type.startsWith('healthy') ? `healthy-${Number(type.slice(-1)) % 4}` : 'sick');
const eventsFor = (types: readonly string[], each: number, round: string): ToSend[] =>
  Array.from({ length: each * types.length }, (_, i) => ({ id: `${round}-${i}`, tenant: tenantOf(types[i % types.length] as string), type: types[i % types.length] as string, data: '1' }));

const send = (plane: Plane, events: readonly ToSend[]): Promise<void> => sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events, onTried: books.tried });

/** @returns how to let those that refuse answer: under another address */
const createFleet = async (plane: Plane): Promise<() => Promise<void>> => {
  for (const type of names('healthy')) await plane.createEndpoint(tenantOf(type), { url: `${healthy.url}/${type}`, types: [type] });
  const refusing: [type: string, id: string][] = [];
  for (const kind of SICK) {
    for (const type of names(kind)) {
      const url = kind === 'refuse' ? REFUSING : sick.url;
      const { id } = await plane.createEndpoint('sick', { url: `${url}/${type}`, types: [type], timeoutSeconds: TIMEOUT_SECONDS, schedule: SCHEDULE });
      if (kind === 'refuse') refusing.push([type, id]);
    }
  }
  return async () => {
    for (const [type, id] of refusing) await plane.ask('PATCH', `${plane.app('console').url}/v1/tenants/sick/endpoints/${id}`, { url: `${sick.url}/${type}` });
  };
};

const seen = async (count: number): Promise<void> => eventually(() => expect(heldMeanwhile.length).toBeGreaterThanOrEqual(count), 60_000);

it.each([
  { who: 'that never answered', knownBefore: names('healthy') },
  { who: 'that answered until they fell sick', knownBefore: [...names('healthy'), ...SLOW] },
])('every first attempt at a healthy endpoint begins while sick ones $who hold every slot that they may have', async ({ who, knownBefore }) => {
  await onPlaneInView({ apps: { retrier: 1 }, env: { dispatcher: { SPILLWAY_ATTEMPTS_AT_ONCE: String(SLOTS) } } }, async (plane, view) => {
    const cureRefusing = await createFleet(plane);
    await send(plane, eventsFor(knownBefore, KNOWN_BY, 'known'));
    await eventually(() => expect(books.missing()).toEqual([]), 60_000);
    sick.fallSick();
    await send(plane, eventsFor(SLOW, 1, 'first'));
    await eventually(() => expect(sick.held).toBe(SLOW.length), 60_000);
    await pause(SILENT_MS);
    await send(plane, eventsFor(SICK.flatMap(names), EACH_SICK, 'sick'));
    await eventually(() => expect(sick.held).toBe(SICK_SLOTS), 60_000);

    heldMeanwhile.length = 0;
    const fine = eventsFor(names('healthy'), EACH, 'beside');
    await send(plane, [...fine, ...eventsFor(SICK.flatMap(names), EACH_SICK, 'sicker')]);
    await seen(fine.length);
    const beside = heldMeanwhile.filter((held) => held === SICK_SLOTS).length;

    sick.cure();
    await cureRefusing();
    await eventually(() => expect(books.missing()).toEqual([]), 240_000);
    await view.settled(120_000);
    process.stdout.write(`${books.print(`a mixed fleet, its sick ones ${who}`)}\n  of ${fine.length} first attempts at healthy endpoints ${beside} began while the sick held ${SICK_SLOTS} of ${SLOTS} slots; they never held more than ${sick.mostHeld}\n`);
    expect([beside, heldMeanwhile.length, sick.mostHeld]).toEqual([fine.length, fine.length, SICK_SLOTS]);
    expect(books.totals()).toMatchObject({ lost: 0, duplicates: 0, strange: 0 });
  });
});
