import { judge } from './judge.ts';
import { printMark, printOrigin, readMark, worldOf, type Mark } from './mark.ts';

const mark = (over: Partial<Mark> = {}): Mark => ({ world: worldOf('2026-11-22T10:00:00.123456789Z'), sequence: 5, place: 0, acceptedAtMs: 1_000_000, event: 'evt_a', checksum: 'abcdefgh', again: false, ...over });

describe('a mark', () => {
  it.each([mark(), mark({ again: true }), mark({ place: 999 }), mark({ sequence: 2 ** 52, acceptedAtMs: 1_795_000_000_000, event: 'evt_-_aZ0' })])('is read as it was written', (one) => {
    expect(readMark(printMark(one))).toEqual(one);
    expect(printMark(one).startsWith(printOrigin(one))).toBe(true);
  });

  it('is short: with it a key takes 200 bytes of Redis', () => {
    expect(printMark(mark({ sequence: 50_000_000, acceptedAtMs: 1_795_000_000_000, event: `evt_${'x'.repeat(22)}` })).length).toBeLessThanOrEqual(60);
  });

  it.each(['', 'x', '1.2.3', 'w.0.1.evt_a.abc', 'w.5.1.evt_a.abc.other', 'w.5.1.evt_a.abc.again.x', 'w.-1.1.evt_a.abc', 'w.5.1..abc', 'some other program’s value'])('that we did not write is none: %j', (text) => {
    expect(readMark(text)).toBeUndefined();
  });
});

describe('what is found under a key', () => {
  const windowMs = 60_000;
  const found = (over: Partial<Mark>) => judge(mark(over), mark(), windowMs);

  it('is a duplicate when it was accepted within the window, before or after', () => {
    expect([found({ sequence: 4 }), found({ sequence: 6, acceptedAtMs: 1_000_001 }), found({ sequence: 4, acceptedAtMs: 1_000_000 - 59_999 })]).toEqual(['duplicate', 'duplicate', 'duplicate']);
  });

  it('is our own mark when it names this message', () => {
    expect([found({}), found({ again: true, acceptedAtMs: 1 })]).toEqual(['own', 'own']);
    // two events of one page share its sequence
    expect(found({ place: 1 })).toBe('duplicate');
  });

  it('stands for nothing when INGEST was made anew meanwhile, whatever its sequence', () => {
    expect([found({ world: 'other' }), found({ world: 'other', sequence: 4 })]).toEqual(['replace', 'replace']);
  });

  it('is another acceptance when the two are as far apart as the window', () => {
    expect([found({ sequence: 4, acceptedAtMs: 1_000_000 - 60_000 }), found({ sequence: 9, acceptedAtMs: 1_000_000 + 60_000 })]).toEqual(['replace', 'beside']);
  });

  it('is not believed when nobody can read it', () => {
    expect(judge(undefined, mark(), windowMs)).toBe('replace');
  });
});
