import { readDroppedAtDoor } from './dropped-at-door.ts';

const good = { tenant: 'acme', type: 'invoice.paid', count: 3 };

describe('what ingest dropped at its door', () => {
  it('is read as it was told', () => {
    expect(readDroppedAtDoor(JSON.stringify([good, { ...good, type: 'b' }]))).toEqual([good, { ...good, type: 'b' }]);
  });

  it('is read as far as it can be', () => {
    const bad = [null, 7, [], {}, { ...good, tenant: 'a.b' }, { ...good, type: '' }, { ...good, type: undefined }, { ...good, count: 0 }, { ...good, count: 1.5 }, { ...good, count: '3' }];
    expect(readDroppedAtDoor(JSON.stringify([...bad, good]))).toEqual([good]);
    for (const text of ['', '{', '{}', 'null', '"x"']) expect(readDroppedAtDoor(text)).toEqual([]);
  });
});
