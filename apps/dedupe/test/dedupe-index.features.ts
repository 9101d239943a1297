import { header } from '@spillway/contracts';
import { eventually } from '@spillway/testing';
import { Rig } from './rig.ts';

export type Adapter = {
  name: string;
  /** What it declares: an id is remembered so long at least, from one acceptance to the next. */
  windowMs: number;
  start: () => Promise<RunningAdapter>;
};
export type RunningAdapter = {
  /** For dedupe. */
  env: Record<string, string>;
  /** Throws unless so many keys were claimed by now, as far as can be seen from outside. */
  claimed: (keys: number) => Promise<void>;
  stop: () => Promise<void>;
};

const SETTLED_WITHIN_MS = 60_000;
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

/** What dedupe promises with any index behind it; each within its own window. */
export const dedupesBehind = ({ name, windowMs, start }: Adapter): void => {
  describe(`dedupe behind ${name}`, () => {
    let adapter: RunningAdapter;
    let rig: Rig;
    beforeEach(async () => {
      adapter = await start();
      rig = await Rig.start(adapter.env);
      await rig.endpoint();
    }, 60_000);
    afterEach(async () => {
      await rig.stop();
      await adapter.stop();
    }, 60_000);

    it('declares its window', async () => {
      await rig.startDedupe();
      expect((await rig.readiness()).checks['dedupe']?.detail).toMatchObject({ windowSeconds: windowMs / 1_000, state: 'ok' });
    });

    it('drops an id that comes again, at once, later, and after a restart, and says which event stands for it', async () => {
      await rig.startDedupe();
      const first = [await rig.accept('a'), await rig.accept('a')];
      await rig.untilSettled(...first);
      await rig.stopDedupe();
      await rig.startDedupe();
      const later = [await rig.accept('a'), await rig.accept('a')];
      await rig.untilSettled(...first, ...later);
      expect(await rig.left('WEBHOOK_DELIVERY')).toBe(1);
      const originals = (await rig.factsOf('event.duplicates_dropped')).flatMap((fact) => fact.originals);
      expect([new Set(originals.map(({ event, by }) => `${event} ${by}`)), originals.reduce((sum, { count }) => sum + count, 0)]).toEqual([new Set([`${first[0]?.id} id`]), 3]);
    }, SETTLED_WITHIN_MS);

    it('goes by when events were accepted, not by when it handles them: two further apart than the window, in one backlog, are two', async () => {
      const now = Date.now();
      const accept = (beforeMs: number, data: string) => rig.accept('a', { acceptedAt: new Date(now - beforeMs).toISOString(), data });
      const events = [await accept(2 * windowMs, '1'), await accept(windowMs + 1, '2'), await accept(windowMs, '3'), await accept(windowMs - 1, '4'), await accept(0, '5')];
      await rig.startDedupe();
      await rig.untilSettled(...events);
      // 2 lies within the window of 1, 4 within that of 3 and 5
      expect((await rig.everythingIn('WEBHOOK_DELIVERY')).map(({ data }) => data.slice(-2, -1)).toSorted()).toEqual(['1', '3', '5']);
      expect(new Set(await rig.delivered()).size).toBe(3);
    }, SETTLED_WITHIN_MS);

    it('never takes a message for the duplicate of itself: killed between claiming and publishing, it delivers once', async () => {
      await rig.limit('WEBHOOK_DELIVERY', 100);
      const event = await rig.accept('a');
      const worker = await rig.startProcess();
      await eventually(() => adapter.claimed(1), SETTLED_WITHIN_MS);
      await eventually(async () => expect(await rig.inFlight()).toBe(1));
      await worker.kill();
      await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
      await rig.startDedupe();
      await rig.untilSettled(event);
      const again = await rig.accept('a');
      await rig.untilSettled(event, again);
      expect((await rig.facts()).map(({ type }) => type)).toEqual(['event.accepted', 'event.duplicates_dropped']);
      expect(await rig.left('WEBHOOK_DELIVERY')).toBe(1);
    }, 120_000);

    it('remembers over such a kill that an event was accepted a second time on purpose', async () => {
      await rig.startDedupe();
      const first = await rig.accept('a', { acceptedAt: ago(windowMs + 60_000) });
      await rig.untilSettled(first);
      await rig.stopDedupe();
      await rig.limit('WEBHOOK_DELIVERY', 100);
      const second = await rig.accept('a');
      const worker = await rig.startProcess();
      await eventually(() => adapter.claimed(1), SETTLED_WITHIN_MS);
      await eventually(async () => expect(await rig.inFlight()).toBe(1));
      await worker.kill();
      await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
      await rig.startDedupe();
      await rig.untilSettled(first, second);
      // without Redis nothing survives the kill that knows of the first: then the broker's window, which goes by its own clock, may take the second for it
      expect(await rig.left('WEBHOOK_DELIVERY')).toBe(name === 'Redis' ? 2 : 1);
    }, 120_000);

    it('lets a replay of a dead letter pass, once, and to each endpoint of its job', async () => {
      const [one, other] = [await rig.endpoint(), await rig.endpoint({ enabled: false })];
      await rig.startDedupe();
      const first = await rig.accept('a');
      await rig.untilSettled(first);
      const before = await rig.left('WEBHOOK_DELIVERY');
      const replays = [];
      for (const endpointId of [one.id, other.id, one.id]) replays.push(await rig.accept('a', { job: 'job_1', endpointId }));
      replays.push(await rig.accept('a', { job: 'job_2', endpointId: one.id }));
      await rig.untilSettled(first, ...replays);
      const made = (await rig.delivered()).slice(before);
      expect(made.toSorted()).toEqual([`job_1:${first.id}:${one.id}`, `job_1:${first.id}:${other.id}`, `job_2:${first.id}:${one.id}`].toSorted());
    }, SETTLED_WITHIN_MS);

    it('does not drop an event for one of an INGEST that is no more', async () => {
      await rig.limit('WEBHOOK_DELIVERY', 100);
      await rig.accept('a');
      const worker = await rig.startProcess();
      await eventually(() => adapter.claimed(1), SETTLED_WITHIN_MS);
      await eventually(async () => expect(await rig.inFlight()).toBe(1));
      await worker.kill();
      await rig.makeIngestAnew();
      await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
      await rig.startDedupe();
      // the same key, and by chance the same sequence; then another one
      const event = await rig.accept('a');
      const repeat = await rig.accept('a');
      await rig.untilSettled(event, repeat);
      expect([event.ingest, await rig.left('WEBHOOK_DELIVERY'), (await rig.factsOf('event.accepted')).map(({ ingest }) => ingest)]).toEqual([1, 1, [1]]);
    }, 120_000);

    it('drops ten thousand repeats for a handful of facts', async () => {
      await rig.startDedupe();
      await Promise.all(Array.from({ length: 10_000 }, (_, n) => rig.accept(`k${n % 10}`)));
      await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0), SETTLED_WITHIN_MS);
      expect([await rig.left('WEBHOOK_DELIVERY'), (await rig.settledSequences()).length]).toEqual([10, 10_000]);
      expect(await rig.left('WEBHOOK_LEDGER')).toBeLessThan(100);
    }, 120_000);

    it('knows tenants apart', async () => {
      await rig.endpoint({}, 'other');
      await rig.startDedupe();
      const eventId = `evt_${'a'.repeat(22)}`;
      const events = [await rig.accept('a', { eventId }), await rig.accept('a', { eventId, tenant: 'other' })];
      await rig.untilSettled(...events);
      expect(new Set((await rig.everythingIn('WEBHOOK_DELIVERY')).map(({ headers }) => headers.get(header.tenant)))).toEqual(new Set(['acme', 'other']));
    }, SETTLED_WITHIN_MS);
  });
};
