/**
 * However many ask for the same key at once, at most one read of it is on its way and one more is waiting. Nobody is answered by a read that began before he
 * asked: what was written just before his question would be missing from it.
 */
export class SharedReads<T> {
  private readonly flying = new Map<string, Promise<T>>();
  private readonly queued = new Map<string, Promise<T>>();

  constructor(private readonly read: (key: string) => Promise<T>) {}

  get(key: string): Promise<T> {
    const before = this.flying.get(key);
    if (before === undefined) return this.start(key);
    const next = this.queued.get(key) ?? this.after(before, key);
    this.queued.set(key, next);
    return next;
  }

  private after(before: Promise<T>, key: string): Promise<T> {
    const go = () => {
      this.queued.delete(key);
      return this.start(key);
    };
    return before.then(go, go);
  }

  private start(key: string): Promise<T> {
    const mine = this.read(key).finally(() => {
      if (this.flying.get(key) === mine) this.flying.delete(key);
    });
    this.flying.set(key, mine);
    return mine;
  }
}
