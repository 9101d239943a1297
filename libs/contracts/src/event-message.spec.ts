import * as fc from 'fast-check';
import { deliveryHeaders, eventHeaders, readDelivery, readEvent, UnreadableMessage, type EventMeta } from './event-message.ts';

const META: EventMeta = { eventId: 'evt_1', tenant: 'acme', type: 'a.b', source: '/tenants/acme', acceptedAt: '2026-11-22T10:00:00.000Z' };
const read = (pairs: readonly (readonly [string, string])[]): EventMeta => readEvent(new Map(pairs));
/** As they are, without what is undefined. */
const said = (meta: EventMeta): object => Object.fromEntries(Object.entries(meta).filter(([, value]) => value !== undefined));

describe('the headers of an event', () => {
  it('carry the attributes of a CloudEvent, as its NATS binding has them', () => {
    const headers = eventHeaders({ ...META, source: 'https://shop.example/a b', attributes: [['subject', 'Euro € 😀'], ['comexampleext', '50% "off"']] });
    expect(headers).toEqual(
      expect.arrayContaining([
        ['ce-specversion', '1.0'],
        ['ce-source', 'https://shop.example/a%20b'],
        ['ce-subject', 'Euro%20%E2%82%AC%20%F0%9F%98%80'],
        ['ce-comexampleext', '50%25%20%22off%22'],
      ]),
    );
    expect(said(read(headers))).toEqual({ ...META, source: 'https://shop.example/a b', attributes: [['subject', 'Euro € 😀'], ['comexampleext', '50% "off"']] });
  });

  it('say nothing of CloudEvents for an event that is none', () => {
    expect(eventHeaders(META).map(([name]) => name)).toEqual(['ce-id', 'Webhook-Tenant', 'ce-type', 'ce-source', 'Webhook-Accepted-At']);
    expect(said(read(eventHeaders(META)))).toEqual(META);
  });

  it('come back as they were, from INGEST on to the last attempt', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => value.isWellFormed());
    const attributes = fc.uniqueArray(fc.tuple(fc.stringMatching(/^x[a-z0-9]{0,10}$/), text), { selector: ([name]) => name, minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(text, text, attributes, (source, sourceId, others) => {
        const meta = read(eventHeaders({ ...META, source, sourceId, attributes: others }));
        const delivery = readDelivery(new Map(deliveryHeaders({ ...meta, endpointId: 'ep_1', attempt: 3 })));
        expect(said(delivery)).toEqual({ ...META, source, sourceId, attributes: others, endpointId: 'ep_1', attempt: 3 });
      }),
    );
  });

  it('that are no UTF-8 behind their encoding make a message unreadable', () => {
    expect(() => read([...eventHeaders(META), ['ce-source', '%C0%A0']])).toThrow(UnreadableMessage);
  });
});
