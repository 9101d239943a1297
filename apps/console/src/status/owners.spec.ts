import { Owners } from './owners.ts';

type Listener = (key: string, entry: { value: string; revision: number } | undefined) => void;

const started = () => {
  let now = 0;
  const listeners: Listener[] = [];
  const owners = new Owners({ onChange: (listener) => void listeners.push(listener) }, () => now);
  const tell: Listener = (key, entry) => listeners.forEach((listener) => listener(key, entry));
  const renew = (key: string, holder: string, revision: number) => tell(key, { value: JSON.stringify({ holder }), revision });
  return { owners, tell, renew, pass: (ms: number) => (now += ms) };
};

describe('Owners', () => {
  it('names who renews, and nobody once the renewals stop', () => {
    const { owners, renew, pass } = started();
    renew('dispatcher.0', 'a', 1);
    renew('dispatcher.1', 'b', 2);
    renew('retrier.0', 'c', 3);
    expect(owners.of('dispatcher', [0, 1, 2])).toEqual([
      { shard: 0, owner: 'a' },
      { shard: 1, owner: 'b' },
    ]);
    pass(3_000);
    renew('dispatcher.1', 'b', 4);
    renew('dispatcher.0', 'a', 1);
    pass(2_000);
    expect(owners.of('dispatcher', [0, 1])).toEqual([{ shard: 1, owner: 'b' }]);
  });

  it('names nobody where a lease was given back, or cannot be read', () => {
    const { owners, renew, tell } = started();
    renew('dispatcher.0', '', 1);
    tell('retrier.0', { value: '{', revision: 1 });
    expect([owners.of('dispatcher', [0]), owners.of('retrier', [0])]).toEqual([[], []]);
  });
});
