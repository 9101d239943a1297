import { afterThrow, isCharged, isSuspect, judge, type Marker } from './suspicion.ts';

const origin = 'WEBHOOK_DELIVERY@t0:17';
const left = (over: Partial<Marker>): Marker => ({ origin, is: 'alone', crashes: 0, throws: 0, ...over });

describe('a delivery count', () => {
  it.each([
    [1, 0, false],
    [2, 0, false],
    [3, 0, true],
    [4, 0, true],
    // the broker was away, say: it was handed back in good order each time
    [3, 1, false],
    [40, 38, false],
    [40, 37, true],
  ])('%i, of which %i are explained: a suspect %s', (deliveries, explained, expected) => expect(isSuspect(deliveries, explained)).toBe(expected));
});

describe('a suspect', () => {
  it('without a marker is worked, alone', () => expect(judge(origin, undefined)).toEqual({ go: 'work', marker: left({}) }));

  it('whose marker was left by another message is worked as if there were none', () =>
    expect(judge(origin, left({ origin: 'WEBHOOK_DELIVERY@t9:17', crashes: 2 }))).toEqual({ go: 'work', marker: left({}) }));

  it.each([0, 1])('that ended its worker %i times before, and once more, is worked again', (crashes) =>
    expect(judge(origin, left({ crashes }))).toEqual({ go: 'work', marker: left({ crashes: crashes + 1 }) }),
  );

  it('is dead after three crashes under its own marker', () =>
    expect(judge(origin, left({ crashes: 2 }))).toEqual({ go: 'bury', marker: left({ crashes: 3, is: 'burying' }), reason: 'poison', blind: false }));

  it('is charged with nothing when others had begun beside it, and is strict from then on', () =>
    expect(judge(origin, left({ is: 'beside' }))).toEqual({ go: 'work', marker: left({ strict: true }) }));

  it('is charged when it was strict', () => expect(judge(origin, left({ is: 'beside', strict: true }))).toEqual({ go: 'work', marker: left({ crashes: 1, strict: true }) }));

  it('that came to an end in good order keeps what was counted, and no more', () => expect(judge(origin, left({ is: 'resting', crashes: 2, throws: 1 }))).toEqual({ go: 'work', marker: left({ crashes: 2, throws: 1 }) }));

  it('that ends its worker while it is buried is buried once more, and then without being read', () => {
    expect(judge(origin, left({ is: 'burying', crashes: 3 }))).toMatchObject({ go: 'bury', blind: false });
    expect(judge(origin, left({ is: 'burying', crashes: 4 }))).toMatchObject({ go: 'bury', blind: true });
  });

  it('that could not be buried in good order is buried again, not worked', () => expect(judge(origin, left({ is: 'resting', crashes: 3 }))).toMatchObject({ go: 'bury', blind: false, reason: 'poison' }));
});

describe('who throws', () => {
  it('is counted beside crashes, and dead after three', () => {
    const twice = afterThrow(origin, afterThrow(origin, undefined));
    expect(twice).toEqual(left({ is: 'resting', throws: 2 }));
    expect(judge(origin, twice)).toMatchObject({ go: 'work' });
    expect(judge(origin, afterThrow(origin, twice))).toMatchObject({ go: 'bury', reason: 'internal', blind: false });
  });

  it('is not charged with what another message of that sequence threw', () => expect(afterThrow(origin, left({ origin: 'WEBHOOK_DELIVERY@t9:17', throws: 2 }))).toEqual(left({ is: 'resting', throws: 1 })));
});

it('who is charged comes after the others', () => expect([left({}), left({ throws: 2 }), left({ crashes: 1 }), left({ strict: true })].map(isCharged)).toEqual([false, false, true, true]));

it('every way ends: whatever crashes or throws is dead after at most seven rounds', () => {
  for (const how of ['alone', 'beside', 'throws'] as const) {
    let marker: Marker | undefined;
    let rounds = 0;
    for (let verdict = judge(origin, marker); verdict.go === 'work'; verdict = judge(origin, marker)) {
      marker = how === 'throws' ? afterThrow(origin, verdict.marker) : { ...verdict.marker, is: how };
      rounds += 1;
    }
    expect([how, rounds]).toEqual([how, how === 'beside' ? 4 : 3]);
  }
});
