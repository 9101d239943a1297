import { createHash } from 'node:crypto';
import { deliveryId, derivedCloudEventId, derivedEventId, newEventId } from './ids.ts';

describe('derived ids', () => {
  it('stay what they are: producers repeat keys, and streams hold ids, across versions of ours', () => {
    expect(derivedEventId('acme', 'order-1')).toBe(`evt_${createHash('sha256').update('5:event4:acme7:order-1').digest('base64url').slice(0, 22)}`);
    expect(derivedEventId('acme', 'order-1')).toBe('evt_RctrUke9zXKYtjjspsxfSQ');
    expect(derivedCloudEventId('acme', '/shop', '1')).toBe(`evt_${createHash('sha256').update('10:cloudevent4:acme5:/shop1:1').digest('base64url').slice(0, 22)}`);
    expect(deliveryId('evt_1', 'ep_1')).toBe('dlv_QYOdd9VQytn0A07wQjNVV6');
  });

  it('differ when the same characters are cut elsewhere', () => {
    expect(derivedEventId('a', 'bc')).not.toBe(derivedEventId('ab', 'c'));
    expect(deliveryId('evt_1', 'ep_1', 'job')).not.toBe(deliveryId('evt_1', 'ep_1'));
  });

  it('are made of any text', () => {
    expect(derivedEventId('acme', 'ä€𝄞\u0000')).toMatch(/^evt_[\w-]{22}$/);
  });
});

it('new ids do not repeat, beyond one pool of random bytes', () => {
  expect(new Set(Array.from({ length: 1_000 }, newEventId)).size).toBe(1_000);
});
