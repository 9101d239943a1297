import { InFlight, type Place } from './in-flight.ts';

const room = (requestsMax: number, eventsMax = 1_000): InFlight => new InFlight({ requestsMax, eventsMax, bytesMax: 1_000 });
const entered = (place: Place | string): Place => {
  if (typeof place === 'string') throw new Error(`no place: ${place}`);
  return place;
};

describe('InFlight', () => {
  it('is full by number, and takes another when one has left', () => {
    const inFlight = room(2);
    const place = entered(inFlight.enter(1));
    inFlight.enter(1);
    expect(inFlight.enter(1)).toBe('full');
    place.leave();
    entered(inFlight.enter(1));
  });

  it('is full by bytes', () => {
    const inFlight = room(10);
    inFlight.enter(600);
    expect(inFlight.enter(401)).toBe('full');
    entered(inFlight.enter(400));
  });

  it('counts nobody out twice', () => {
    const inFlight = room(10);
    const place = entered(inFlight.enter(600));
    inFlight.enter(100);
    place.leave();
    place.leave();
    expect([inFlight.requests, inFlight.bytes]).toEqual([1, 100]);
  });

  it('counts the events of a batch: room for all of them or for none', () => {
    const inFlight = room(10, 100);
    const batch = entered(inFlight.enter(1));
    expect(batch.hold(100)).toBeUndefined();
    expect(inFlight.events).toBe(100);
    expect(inFlight.enter(1)).toBe('full');
    batch.leave();
    expect([inFlight.events, batch.hold(50), inFlight.events]).toEqual([0, undefined, 0]);
    const other = entered(inFlight.enter(1, 'acme'));
    expect(other.hold(51)).toBe('owner_full');
    expect(other.hold(50)).toBeUndefined();
    expect(entered(inFlight.enter(1)).hold(51)).toBe('full');
    expect(entered(inFlight.enter(1)).hold(0)).toBeUndefined();
    expect(inFlight.events).toBe(51);
  });

  it('gives one owner half of it, by number and by bytes, and forgets who has left', () => {
    const inFlight = room(4);
    const place = entered(inFlight.enter(100, 'acme'));
    entered(inFlight.enter(100, 'acme'));
    expect(inFlight.enter(1, 'acme')).toBe('owner_full');
    expect(inFlight.enter(501, 'other')).toBe('owner_full');
    entered(inFlight.enter(500, 'other'));
    place.leave();
    entered(inFlight.enter(1, 'acme'));
  });

  it('gives it to an owner who is known later', () => {
    const inFlight = room(4, 6);
    const [first, second, third] = [entered(inFlight.enter(1)), entered(inFlight.enter(1)), entered(inFlight.enter(1))];
    expect([first.own('acme'), second.own('acme'), third.own('acme')]).toEqual([undefined, undefined, 'owner_full']);
    expect(third.own('other')).toBeUndefined();
    expect([first.own('other'), second.hold(3), third.hold(3)]).toEqual([undefined, 'owner_full', undefined]);
    first.leave();
    expect([inFlight.requests, entered(inFlight.enter(1)).own('acme')]).toEqual([2, undefined]);
  });

  it('keeps a place whose client has gone while something is done with its body', () => {
    const inFlight = room(4);
    const place = entered(inFlight.enter(10));
    place.keep(true);
    place.leave();
    expect(inFlight.requests).toBe(1);
    place.keep(false);
    expect([inFlight.requests, inFlight.bytes]).toEqual([0, 0]);
    const other = entered(inFlight.enter(10));
    other.keep(true);
    other.keep(false);
    expect(inFlight.requests).toBe(1);
  });
});
