import { FORGIVEN_AFTER_MS, HeldLease, LEASE_MS, RENEW_EVERY_MS, STANDSTILL_MS } from './lease.ts';

let now = 0;
const lease = (sentAt = 0): HeldLease => new HeldLease(3, 17, sentAt, () => now);
beforeEach(() => {
  now = 0;
});

it('is held for 3.5 s from before it was sent, however late the answer came', () => {
  now = 3_000;
  const held = lease(0);
  expect(held.owned()).toBe(true);
  now = LEASE_MS - 1;
  expect(held.owned()).toBe(true);
  now = LEASE_MS;
  expect(held.owned()).toBe(false);
});

it('never comes back once it lapsed, even when a renewal is answered after all', () => {
  const held = lease();
  now = LEASE_MS;
  held.renewed(3_000, 18);
  expect(held.owned()).toBe(false);
});

it('never comes back although nobody asked in between', () => {
  const held = lease();
  now = 20_000;
  held.renewed(19_999, 18);
  expect(held.owned()).toBe(false);
});

it('is renewed once a second, and not twice at once', () => {
  const held = lease();
  now = RENEW_EVERY_MS - 1;
  expect(held.renewalDue()).toBe(false);
  now = RENEW_EVERY_MS;
  expect([held.renewalDue(), held.renewalDue()]).toEqual([true, false]);
  held.renewed(now, 18);
  expect([held.renewalDue(), held.revision]).toEqual([false, 18]);
  now += RENEW_EVERY_MS;
  expect(held.renewalDue()).toBe(true);
});

it('is tried again sooner when a renewal failed', () => {
  const held = lease();
  now = RENEW_EVERY_MS;
  held.renewalDue();
  held.renewAgainSoon();
  now += 250;
  expect(held.renewalDue()).toBe(true);
});

it('is over at once when it is given back', () => {
  const held = lease();
  held.end();
  expect(held.owned()).toBe(false);
});

it('leaves a holder’s and a taker’s clock room to run apart', () => {
  expect((STANDSTILL_MS - LEASE_MS) / LEASE_MS).toBeGreaterThan(0.1);
});

it('carries how often its shard was lost for five minutes, and then has forgiven it', () => {
  const held = new HeldLease(3, 17, 0, () => now, 2);
  expect([held.losses, held.unforgivenLosses]).toEqual([2, 2]);
  now = FORGIVEN_AFTER_MS;
  expect([held.losses, held.unforgivenLosses]).toEqual([2, 0]);
});
