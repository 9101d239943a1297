import { InFlight } from './in-flight.ts';

describe('InFlight', () => {
  it('is full by number, and takes another when one has left', () => {
    const inFlight = new InFlight(2, 1_000);
    const leave = inFlight.enter(1);
    inFlight.enter(1);
    expect(inFlight.enter(1)).toBeUndefined();
    leave?.();
    expect(inFlight.enter(1)).toBeDefined();
  });

  it('is full by bytes', () => {
    const inFlight = new InFlight(10, 1_000);
    inFlight.enter(600);
    expect(inFlight.enter(401)).toBeUndefined();
    expect(inFlight.enter(400)).toBeDefined();
  });

  it('counts nobody out twice', () => {
    const inFlight = new InFlight(10, 1_000);
    const leave = inFlight.enter(600);
    inFlight.enter(100);
    leave?.();
    leave?.();
    expect([inFlight.requests, inFlight.bytes]).toEqual([1, 100]);
  });
});
