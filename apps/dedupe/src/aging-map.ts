/**
 * A map that gives its eldest entry at no cost. `Map` alone does not: what is deleted at its front leaves holes that every later iteration has to step over,
 * until the table is rebuilt (131,072 ids, the eldest taken for each new one: 45–80 µs a claim, measured; with a line beside it 0.3 µs).
 */
export class AgingMap<V extends object> {
  private readonly entries = new Map<string, V>();
  /** In the order they came; what was deleted or set again stays until it is reached. */
  private keys: string[] = [];
  private values: V[] = [];
  private head = 0;

  get size(): number {
    return this.entries.size;
  }

  get(key: string): V | undefined {
    return this.entries.get(key);
  }

  /** To the end of the line. Each value belongs to one key and is set once. */
  set(key: string, value: V): void {
    this.entries.set(key, value);
    this.keys.push(key);
    this.values.push(value);
  }

  /** Only if it is still this one. */
  delete(key: string, value: V): void {
    if (this.entries.get(key) === value) this.entries.delete(key);
  }

  eldest(): V | undefined {
    while (this.head < this.keys.length) {
      const value = this.values[this.head] as V;
      if (this.entries.get(this.keys[this.head] as string) === value) return value;
      this.head += 1;
    }
    this.compact();
    return undefined;
  }

  shift(): V | undefined {
    const value = this.eldest();
    if (value === undefined) return undefined;
    this.entries.delete(this.keys[this.head] as string);
    this.head += 1;
    if (this.head > 1_024 && this.head * 2 > this.keys.length) this.compact();
    return value;
  }

  private compact(): void {
    this.keys = this.keys.slice(this.head);
    this.values = this.values.slice(this.head);
    this.head = 0;
  }
}
