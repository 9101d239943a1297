/** So many at once; who comes beyond waits, in the order of coming. */
export class Places {
  private taken = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly max: number) {}

  async within<T>(work: () => Promise<T>): Promise<T> {
    if (this.taken < this.max) this.taken += 1;
    else await new Promise<void>((go) => this.waiting.push(go)); // the place of whoever leaves
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.taken -= 1;
    }
  }
}
