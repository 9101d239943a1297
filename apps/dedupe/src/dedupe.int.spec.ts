import 'reflect-metadata';
import { deliveryId, header, type FactOf } from '@spillway/contracts';
import { eventually } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { Rig } from '../test/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
}, 60_000);
afterEach(() => rig.stop(), 60_000);

describe('an accepted event', () => {
  it('becomes a delivery for each endpoint that wants its type, and the fact lists them', async () => {
    const all = await rig.endpoint();
    const invoices = await rig.endpoint({ types: ['invoice.*'] });
    await rig.endpoint({ types: ['user.**'] });
    const off = await rig.endpoint({ enabled: false });
    await rig.startDedupe();
    const event = await rig.accept('a', { data: '{"big":12345678901234567890}' });
    await eventually(async () => expect(await rig.settledSequences()).toEqual([event.ingest]));
    const deliveries = await rig.everythingIn('WEBHOOK_DELIVERY');
    expect(deliveries.map(({ subject: on }) => on).toSorted()).toEqual([all, invoices].map(({ id }) => subject.delivery('fresh', shardOf(id))).toSorted());
    for (const { headers, data } of deliveries) {
      const endpointId = headers.get(header.endpoint) ?? '';
      expect(headers.get(header.messageId)).toBe(`${event.id}:${endpointId}`);
      expect([headers.get(header.attempt), headers.get(header.eventType), headers.get(header.tenant)]).toEqual(['1', 'invoice.paid', 'acme']);
      expect(data).toContain('"data":{"big":12345678901234567890}}');
    }
    const [accepted] = await rig.facts();
    expect(accepted).toMatchObject({ type: 'event.accepted', event: event.id, skipped: [off.id], ingest: event.ingest, body: deliveries[0]?.data });
    expect((accepted as FactOf<'event.accepted'>).deliveries.toSorted((a, b) => a.endpoint.localeCompare(b.endpoint))).toEqual(
      [all, invoices].map(({ id }) => ({ id: deliveryId(event.id, id), endpoint: id })).toSorted((a, b) => a.endpoint.localeCompare(b.endpoint)),
    );
    await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0));
  });

  it('that nobody wants is a fact, and no error', async () => {
    await rig.endpoint({ types: ['user.**'] });
    await rig.startDedupe();
    const event = await rig.accept('a');
    await eventually(async () => expect(await rig.facts()).toMatchObject([{ type: 'event.unrouted', event: event.id, ingest: event.ingest }]));
    await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0));
    expect(await rig.left('WEBHOOK_DELIVERY')).toBe(0);
  });

  it('that is larger as a fact than the broker takes is delivered all the same, and its fact says that the body is left out', async () => {
    await rig.endpoint();
    await rig.startDedupe();
    // 700 KiB that JSON writes as 1.4 MiB, as `SPILLWAY_MAX_EVENT_BYTES` allows
    const [event, next] = [await rig.accept('a', { data: JSON.stringify('"'.repeat(350 * 1_024)) }), await rig.accept('b')];
    await rig.untilSettled(event, next);
    const largest = Math.max(...(await rig.everythingIn('WEBHOOK_DELIVERY')).map(({ data }) => data.length));
    const told = new Map((await rig.factsOf('event.accepted')).map(({ event: id, ...fact }) => [id, fact]));
    expect(told.get(event.id)).toMatchObject({ omittedBodyBytes: largest, deliveries: [{}] });
    expect([told.get(event.id)?.body, told.get(next.id)?.body]).toEqual([undefined, expect.stringContaining('{"n":1}')]);
    await eventually(async () => expect([await rig.left('WEBHOOK_INGEST'), await rig.left('WEBHOOK_DELIVERY')]).toEqual([0, 2]));
  }, 90_000);

  it('goes to hundreds of endpoints in one piece', async () => {
    await Promise.all(Array.from({ length: 300 }, () => rig.endpoint()));
    await rig.startDedupe();
    await rig.accept('a');
    await eventually(async () => expect(await rig.left('WEBHOOK_DELIVERY')).toBe(300));
    await eventually(async () => expect((await rig.facts()).map(({ type }) => type)).toEqual(['event.accepted']));
  }, 90_000);

  it('that nobody can read is kept as a dead letter of the pipeline', async () => {
    await rig.startDedupe();
    await rig.publish([[header.tenant, 'acme']], '{}');
    await eventually(async () => expect((await rig.everythingIn('WEBHOOK_DEAD')).map(({ subject: on }) => on)).toEqual(['webhook.dead.pipeline.dedupe']));
    await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0));
  });
});

describe('a repeated id', () => {
  it('is dropped, counted with its original, and a different body is said', async () => {
    await rig.endpoint();
    await rig.startDedupe();
    const first = await rig.accept('a');
    await eventually(async () => expect(await rig.left('WEBHOOK_DELIVERY')).toBe(1));
    const repeats = [await rig.accept('a'), await rig.accept('a'), await rig.accept('a', { data: '{"n":2}' })];
    await eventually(async () => expect(await rig.settledSequences()).toEqual([first, ...repeats].map(({ ingest: seq }) => seq)));
    const dropped = (await rig.facts()).flatMap((fact) => (fact.type === 'event.duplicates_dropped' ? fact.originals : []));
    expect(dropped.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(dropped.reduce((sum, { differs = 0 }) => sum + differs, 0)).toBe(1);
    expect(await rig.left('WEBHOOK_DELIVERY')).toBe(1);
    await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0));
  });

  it('is caught by the broker’s own window when this process has just started', async () => {
    await rig.endpoint();
    await rig.startDedupe();
    const first = await rig.accept('a');
    await eventually(async () => expect(await rig.settledSequences()).toEqual([first.ingest]));
    await rig.stopDedupe();
    await rig.startDedupe();
    const second = await rig.accept('a');
    await eventually(async () => expect(await rig.settledSequences()).toEqual([first.ingest, second.ingest]));
    expect(await rig.left('WEBHOOK_DELIVERY')).toBe(1);
    expect((await rig.facts()).map(({ type }) => type)).toEqual(['event.accepted', 'event.duplicates_dropped']);
  }, 90_000);

  it('in a flood costs thousands of times fewer facts, and every acceptance is settled once', async () => {
    await rig.endpoint();
    await rig.startDedupe();
    await Promise.all(Array.from({ length: 5_000 }, (_, n) => rig.accept(`k${n % 5}`)));
    await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0), 60_000);
    expect(await rig.left('WEBHOOK_DELIVERY')).toBe(5);
    expect(await rig.settledSequences()).toEqual(Array.from({ length: 5_000 }, (_, n) => n + 1));
    expect(await rig.left('WEBHOOK_LEDGER')).toBeLessThan(100);
  }, 120_000);
});

describe('when it cannot go on', () => {
  it('waits while DELIVERY is full, loses nothing, and goes on by itself when there is room', async () => {
    await rig.endpoint();
    await rig.limit('WEBHOOK_DELIVERY', 30_000);
    await rig.startDedupe();
    await Promise.all(Array.from({ length: 200 }, (_, n) => rig.accept(`k${n}`)));
    await eventually(async () => expect(await rig.left('WEBHOOK_DELIVERY')).toBeGreaterThan(20));
    expect(await rig.left('WEBHOOK_INGEST')).toBeGreaterThan(50);
    await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
    await eventually(async () => expect(await rig.left('WEBHOOK_DELIVERY')).toBe(200), 60_000);
    await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0));
    expect(await rig.settledSequences()).toHaveLength(200);
  }, 120_000);

  it('concludes nothing from a registry that came back empty, and says that it is not ready', async () => {
    await rig.endpoint();
    await rig.startDedupe();
    const { config } = await rig.plane.broker.api<{ config: object }>('STREAM.INFO.KV_webhook_endpoints');
    await rig.plane.broker.api('STREAM.DELETE.KV_webhook_endpoints');
    await rig.plane.broker.api('STREAM.CREATE.KV_webhook_endpoints', config);
    await eventually(async () => expect((await fetch(`${rig.serving?.url ?? ''}/readyz`)).status).toBe(503));
    // it asks for nothing more, but what it asked for before, a second at most, may still bring an event, which would rightly go by the map from before
    await eventually(async () => expect((await rig.plane.broker.api<{ num_waiting: number }>('CONSUMER.INFO.WEBHOOK_INGEST.dedupe-fresh')).num_waiting).toBe(0));
    await rig.accept('a');
    const later = performance.now() + 2_000;
    await eventually(() => expect(performance.now()).toBeGreaterThan(later));
    expect([await rig.left('WEBHOOK_INGEST'), await rig.left('WEBHOOK_LEDGER')]).toEqual([1, 0]);
  }, 90_000);
});
