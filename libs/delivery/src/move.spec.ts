import { deliveryId, UnreadableMessage, type DeliveryMeta } from '@spillway/contracts';
import { deliveryOf } from './decision.ts';
import { nextMeta } from './move.ts';

const meta: DeliveryMeta = {
  eventId: 'evt_1',
  tenant: 'acme',
  type: 'invoice.paid',
  source: 'api',
  acceptedAt: '2026-01-01T12:00:00.000Z',
  endpointId: 'ep_1',
  attempt: 1,
  dueAt: '2026-01-01T12:00:00.000Z',
};

it('a retry says which attempt it waits for, and until when', () => {
  expect(nextMeta(meta, { go: 'retry', at: new Date('2026-01-01T12:00:05Z'), attempt: 2 })).toEqual({ ...meta, attempt: 2, dueAt: '2026-01-01T12:00:05.000Z' });
});

it('a dead letter says why, and which attempt was its last', () => {
  expect(nextMeta(meta, { go: 'dead', reason: 'gone' })).toEqual({ ...meta, dueAt: undefined, reason: 'gone' });
});

it('a delivery is read from its message, and a job makes it another', () => {
  expect(deliveryOf(meta)).toEqual({
    eventId: 'evt_1',
    endpointId: 'ep_1',
    deliveryId: deliveryId('evt_1', 'ep_1'),
    tenant: 'acme',
    attempt: 1,
    acceptedAt: new Date('2026-01-01T12:00:00Z'),
  });
  expect(deliveryOf({ ...meta, job: 'job_1' }).deliveryId).not.toBe(deliveryOf(meta).deliveryId);
});

it('a message whose acceptance time is none is unreadable', () => {
  expect(() => deliveryOf({ ...meta, acceptedAt: 'yesterday' })).toThrow(UnreadableMessage);
});
