/** Who may begin to work a message here. Open but for the moments in which a suspect is worked alone: whatever crashes then is the suspect's. */
export class Turnstile {
  private underWay = 0;
  private shut: PromiseWithResolvers<void> | undefined;
  private awaited: PromiseWithResolvers<void> | undefined;

  get isOpen(): boolean {
    return this.shut === undefined;
  }

  /** Resolves once it is open; whoever was told looks again, since it may have been shut meanwhile. */
  opened(): Promise<void> {
    return this.shut?.promise ?? Promise.resolve();
  }

  begun(): void {
    this.underWay += 1;
  }

  ended(): void {
    this.underWay -= 1;
    if (this.underWay === 0) this.awaited?.resolve();
  }

  close(): void {
    this.shut ??= Promise.withResolvers<void>();
  }

  open(): void {
    this.shut?.resolve();
    this.shut = undefined;
  }

  /** Resolves when nothing that has begun is under way any more, or after `maxMs`. */
  async quiet(maxMs: number): Promise<void> {
    if (this.underWay === 0) return;
    this.awaited = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.awaited?.resolve(), maxMs);
    await this.awaited.promise;
    clearTimeout(timer);
    this.awaited = undefined;
  }
}
