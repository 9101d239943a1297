import { InFlight } from './in-flight.ts';

const entered = (place: ReturnType<InFlight['enter']>): (() => void) => {
  if (typeof place === 'string') throw new Error(`no place: ${place}`);
  return place;
};

describe('InFlight', () => {
  it('is full by number, and takes another when one has left', () => {
    const inFlight = new InFlight(2, 1_000);
    const leave = entered(inFlight.enter(1));
    inFlight.enter(1);
    expect(inFlight.enter(1)).toBe('full');
    leave();
    entered(inFlight.enter(1));
  });

  it('is full by bytes', () => {
    const inFlight = new InFlight(10, 1_000);
    inFlight.enter(600);
    expect(inFlight.enter(401)).toBe('full');
    entered(inFlight.enter(400));
  });

  it('counts nobody out twice', () => {
    const inFlight = new InFlight(10, 1_000);
    const leave = entered(inFlight.enter(600));
    inFlight.enter(100);
    leave();
    leave();
    expect([inFlight.requests, inFlight.bytes]).toEqual([1, 100]);
  });

  it('gives one owner half of it, by number and by bytes, and forgets who has left', () => {
    const inFlight = new InFlight(4, 1_000);
    const leave = entered(inFlight.enter(100, 'acme'));
    entered(inFlight.enter(100, 'acme'));
    expect(inFlight.enter(1, 'acme')).toBe('owner_full');
    expect(inFlight.enter(501, 'other')).toBe('owner_full');
    entered(inFlight.enter(500, 'other'));
    leave();
    entered(inFlight.enter(1, 'acme'));
  });
});
