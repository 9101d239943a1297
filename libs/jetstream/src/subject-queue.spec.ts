import { jest } from '@jest/globals';
import type { DirectGet, Slice, StoredMessage } from './direct-get.ts';
import { OutcomeUnknown } from './errors.ts';
import type { Remover } from './purge.ts';
import { RawHeaders } from './raw-headers.ts';
import type { SubjectMessage } from './subject-message.ts';
import { SubjectQueue, type SubjectQueueHost } from './subject-queue.ts';
import { testLog } from './testing/index.ts';

// A follower that is behind (8 of 300 reads on R3) and a broker that purges slowly cannot be had on purpose: these answers are made up.

const stored = (sequence: number): StoredMessage => ({ subject: 's', sequence, storedAtMs: 0, headers: new RawHeaders(Buffer.alloc(0)), data: Buffer.from('x') });
const slice = (pending: number, ...sequences: number[]): Slice => ({ messages: sequences.map(stored), pending });

const given = (options: { leader?: boolean; take?: (message: SubjectMessage) => Promise<void> } = {}) => {
  const taken: number[] = [];
  const reader = { slice: jest.fn<DirectGet['slice']>(), atLeader: jest.fn<DirectGet['atLeader']>() };
  const remover = { purge: jest.fn<Remover['purge']>().mockResolvedValue(1), remove: jest.fn<Remover['remove']>().mockResolvedValue(undefined) };
  const host: SubjectQueueHost = {
    stream: 'S',
    world: 'S@t0',
    reader: reader as unknown as DirectGet,
    remover: remover as unknown as Remover,
    log: testLog,
    readAtLeader: () => options.leader === true,
    mayAct: () => true,
    mayTake: () => true,
    onEnded: () => undefined,
    take: async (message) => {
      taken.push(message.sequence);
      await (options.take ?? (async (one: SubjectMessage) => one.remove()))(message);
    },
  };
  return { queue: new SubjectQueue('s', host, 5), reader, remover, taken };
};

it('ignores what it has removed, when a follower that is behind still shows it', async () => {
  const { queue, reader, taken } = given();
  reader.slice.mockResolvedValueOnce(slice(0, 1, 2, 3)).mockResolvedValueOnce(slice(0, 1, 2, 3, 4));
  await queue.read(10, 1_000);
  await queue.remove();
  queue.more();
  await queue.read(10, 1_000);
  expect(taken).toEqual([1, 2, 3, 4]);
});

it('looks again when it is told of more while a slice is under way that shows none', async () => {
  const { queue, reader } = given();
  reader.slice.mockImplementationOnce(async () => {
    queue.more();
    return slice(0, 1);
  });
  await queue.read(10, 1_000);
  expect([queue.unread, queue.mayRead]).toEqual([1, true]);
});

it('reads its first slices at the leader, one by one', async () => {
  const { queue, reader, taken } = given({ leader: true });
  reader.atLeader.mockResolvedValueOnce(stored(4)).mockResolvedValueOnce(stored(9)).mockResolvedValueOnce(undefined);
  await queue.read(10, 1_000);
  expect([taken, reader.atLeader.mock.calls, reader.slice.mock.calls]).toEqual([[4, 9], [['s', 1], ['s', 5], ['s', 10]], []]);
});

it('keeps what it could not remove, and says that it is behind', async () => {
  const { queue, reader, remover } = given();
  reader.slice.mockResolvedValueOnce(slice(0, 1, 2));
  remover.purge.mockRejectedValueOnce(new OutcomeUnknown('a purge'));
  await queue.read(10, 1_000);
  await new Promise((resolve) => setImmediate(resolve));
  await queue.remove();
  expect([queue.unremoved, queue.isBehind(performance.now()), queue.isBehind(performance.now() + 1_501)]).toEqual([2, false, true]);
  await queue.remove();
  expect([queue.unremoved, queue.isBehind(performance.now() + 1_501), remover.purge.mock.calls.length]).toEqual([0, false, 2]);
});

it('stops reading on when a thousand messages were left one after the other', async () => {
  const { queue, reader, taken } = given({ take: async () => undefined });
  for (let from = 1; from < 2_000; from += 256) reader.slice.mockResolvedValueOnce(slice(9_999, ...Array.from({ length: 256 }, (_, n) => from + n)));
  while (queue.mayRead) {
    await queue.read(256, 1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(taken).toHaveLength(1_024);
  queue.readAgain();
  expect(queue.mayRead).toBe(true);
});

it('has nothing to remove twice', async () => {
  const { queue, reader, remover } = given();
  reader.slice.mockResolvedValueOnce(slice(0, 7));
  await queue.read(10, 1_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(queue.removalDue(performance.now())).toBe(true);
  await queue.remove();
  expect([queue.removalDue(performance.now() + 1_000), remover.purge.mock.calls]).toEqual([false, [['S', { filter: 's', seq: 8 }]]]);
  expect(queue.idle).toBe(true);
});
