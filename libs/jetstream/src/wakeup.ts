/** A wait that can be cut short. One waiter at a time; a wake that comes while nobody waits is kept for the next wait. */
export class Wakeup {
  private timer: NodeJS.Timeout | undefined;
  private resume: (() => void) | undefined;
  private woken = false;

  /** Cheap enough to be called for each message that is settled: many wakes are one. */
  wake(): void {
    if (this.woken) return;
    this.woken = true;
    if (this.resume) setImmediate(this.resume);
  }

  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.resume = resolve;
      if (this.woken) setImmediate(resolve);
      else this.timer = setTimeout(resolve, ms);
    });
    clearTimeout(this.timer);
    this.resume = undefined;
    this.woken = false;
  }
}
