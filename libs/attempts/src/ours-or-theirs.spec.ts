import { OursOrTheirs } from './ours-or-theirs.ts';

const ids = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `ep_${n + from}`);

describe('when many endpoints fail alike', () => {
  it('the fault is ours from the twentieth on, if they are over half', () => {
    const judge = new OursOrTheirs();
    const said = ids(25).map((id) => judge.note(id, 'dns_error', 0));
    expect(said.findIndex((kind) => kind === 'dns_error')).toBe(19);
    expect(judge.note('ep_other', undefined, 0)).toBeUndefined();
  });

  it('but not while most others answer', () => {
    const judge = new OursOrTheirs();
    for (const id of ids(30, 100)) judge.note(id, undefined, 0);
    expect(ids(30).map((id) => judge.note(id, 'timeout', 0)).filter(Boolean)).toEqual([]);
    expect(judge.note('ep_30', 'timeout', 0)).toBe('timeout');
  });

  it('nor when they fail in different ways, or with an answer', () => {
    const judge = new OursOrTheirs();
    const kinds = ['timeout', 'refused', 'reset'] as const;
    expect(ids(45).map((id, n) => judge.note(id, kinds[n % 3], 0)).filter(Boolean)).toEqual([]);
    const answered = new OursOrTheirs();
    expect(ids(45).map((id) => answered.note(id, 'status', 0)).filter(Boolean)).toEqual([]);
  });

  it('one endpoint counts once, however often it fails', () => {
    const judge = new OursOrTheirs();
    expect(Array.from({ length: 100 }, () => judge.note('ep_1', 'timeout', 0)).filter(Boolean)).toEqual([]);
  });

  it('and a minute later it is forgotten', () => {
    const judge = new OursOrTheirs();
    for (const id of ids(30)) judge.note(id, 'refused', 0);
    expect(judge.note('ep_1', 'refused', 60_001)).toBeUndefined();
  });
});
