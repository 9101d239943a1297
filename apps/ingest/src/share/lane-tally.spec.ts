import { LaneTally } from './lane-tally.ts';

const store = (tally: LaneTally, ...sizes: number[]): void => {
  for (const bytes of sizes) {
    tally.send(bytes);
    tally.stored(bytes);
  }
};
const seen = ({ messages, bytes }: LaneTally): number[] => [messages, bytes];

describe('LaneTally', () => {
  it('counts what is under way, what is stored and not what was refused', () => {
    const tally = new LaneTally();
    tally.send(10);
    tally.send(20);
    expect(seen(tally)).toEqual([2, 30]);
    expect([tally.inFlight, tally.inFlightBytes]).toEqual([2, 30]);
    tally.stored(10);
    tally.notStored(20);
    expect(seen(tally)).toEqual([1, 10]);
    expect(tally.inFlight).toBe(0);
  });

  it('takes the broker’s count for what was confirmed before it was asked, and adds what came since', () => {
    const tally = new LaneTally();
    store(tally, 100, 200);
    tally.asking();
    store(tally, 1_000);
    tally.count(1, 0); // of the two, the first has left
    expect(seen(tally)).toEqual([2, 1_200]);
    tally.asking();
    tally.count(0, 0);
    expect(seen(tally)).toEqual([0, 0]);
    expect(tally.isIdle).toBe(true);
  });

  it('weighs what it did not send by the stream’s mean, until it sent some', () => {
    const tally = new LaneTally();
    tally.asking();
    tally.count(10, 500);
    expect(seen(tally)).toEqual([10, 5_000]);
    store(tally, 4_000);
    tally.asking();
    tally.count(11, 500);
    expect(seen(tally)).toEqual([11, 44_000]);
  });

  it('counts the events of a page, whose message the broker counts once', () => {
    const tally = new LaneTally();
    for (let place = 0; place < 100; place += 1) tally.send(10);
    expect([tally.messages, tally.events]).toEqual([100, 100]); // as many as they may become
    for (let place = 0; place < 100; place += 1) tally.stored(10, place === 0);
    expect([tally.messages, tally.events, tally.bytes]).toEqual([1, 100, 1_000]);
    store(tally, 500);
    tally.asking();
    tally.count(2, 0);
    expect([tally.messages, tally.events, tally.bytes]).toEqual([2, 101, 1_500]);
    tally.asking();
    tally.count(1, 0); // the page has left
    expect([tally.messages, tally.events, tally.bytes]).toEqual([1, 1, 500]);
  });

  it('sees that others send, too', () => {
    const tally = new LaneTally();
    store(tally, 1, 1);
    tally.asking();
    tally.count(7, 1);
    expect(tally.othersGrowth).toBe(5);
    tally.asking();
    tally.count(6, 1);
    expect(tally.othersGrowth).toBe(0);
  });
});
