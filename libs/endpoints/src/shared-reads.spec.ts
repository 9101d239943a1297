import { SharedReads } from './shared-reads.ts';

const open = () => {
  const begun: { key: string; answer: (value: string) => void; fail: (error: Error) => void }[] = [];
  const reads = new SharedReads<string>((key) => new Promise((answer, fail) => begun.push({ key, answer, fail })));
  return { begun, reads };
};

describe('SharedReads', () => {
  it('reads twice for a crowd: once for who asked first, once for all who asked while that was on its way', async () => {
    const { begun, reads } = open();
    const first = reads.get('acme');
    const crowd = Array.from({ length: 100 }, () => reads.get('acme'));
    expect(begun).toHaveLength(1);
    begun[0]?.answer('old');
    expect(await first).toBe('old');
    begun[1]?.answer('new');
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['new']));
    expect(begun).toHaveLength(2);
  });

  it('keeps keys apart, and starts afresh when nothing is on its way', async () => {
    const { begun, reads } = open();
    const answers = [reads.get('a'), reads.get('b')];
    begun.forEach(({ answer, key }) => answer(key));
    expect(await Promise.all(answers)).toEqual(['a', 'b']);
    void reads.get('a');
    expect(begun).toHaveLength(3);
  });

  it('does not let one failure fail those who wait behind it', async () => {
    const { begun, reads } = open();
    const first = reads.get('a');
    const second = reads.get('a');
    begun[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    begun[1]?.answer('back');
    expect(await second).toBe('back');
  });
});
