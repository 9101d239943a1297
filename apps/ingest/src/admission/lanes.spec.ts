import { Crowding } from './crowding.ts';
import { Lanes } from './lanes.ts';

const start = (crowding = new Crowding({ crowdedAt: 0 })): Lanes => new Lanes(crowding);

const lanesOf = (lanes: Lanes, tenant: string, events: number): string[] => Array.from({ length: events }, () => lanes.of(tenant, 1_000));

describe('Lanes', () => {
  it('are all fresh without a rate', () => {
    const lanes = start();
    lanes.setRate('other', 1);
    expect(new Set(lanesOf(lanes, 'acme', 1_000))).toEqual(new Set(['fresh']));
  });

  it('send what is over the rate to bulk, and nobody else’s', () => {
    const lanes = start();
    lanes.setRate('acme', 3);
    expect(lanesOf(lanes, 'acme', 5)).toEqual(['fresh', 'fresh', 'fresh', 'bulk', 'bulk']);
    expect(lanesOf(lanes, 'other', 2)).toEqual(['fresh', 'fresh']);
  });

  it('begin anew with another rate, not with the same one again', () => {
    const lanes = start();
    lanes.setRate('acme', 1);
    lanesOf(lanes, 'acme', 1);
    lanes.setRate('acme', 1);
    expect(lanes.of('acme', 1_000)).toBe('bulk');
    lanes.setRate('acme', 2);
    expect(lanes.of('acme', 1_000)).toBe('fresh');
    lanes.setRate('acme', undefined);
    expect(new Set(lanesOf(lanes, 'acme', 10))).toEqual(new Set(['fresh']));
  });

  it('are ordered for a tenant with an ordered endpoint, which is refused over its rate', () => {
    const lanes = start();
    lanes.setOrdered('acme', true);
    expect(lanesOf(lanes, 'acme', 3)).toEqual(['ordered', 'ordered', 'ordered']);
    lanes.setRate('acme', 2);
    expect([...lanesOf(lanes, 'acme', 2), lanes.of('other', 1_000)]).toEqual(['ordered', 'ordered', 'fresh']);
    expect(() => lanes.of('acme', 1_000)).toThrow(expect.objectContaining({ status: 429, code: 'rate_limited' }));
    lanes.setOrdered('acme', false);
    expect(lanes.of('acme', 1_000)).toBe('bulk');
  });
});
