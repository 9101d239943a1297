/** What a durable's work has in hand, each message of a page counted. */
export class Load {
  /** Being worked, or waiting for another try. */
  open = 0;
  /** Needing nothing more but a word that is being written. */
  screenedOut = 0;

  get inHand(): number {
    return this.open + this.screenedOut;
  }

  /** They take their room from before it begins until it has ended. */
  async during<T>(messages: number, work: () => Promise<T>): Promise<T> {
    this.open += messages;
    try {
      return await work();
    } finally {
      this.open -= messages;
    }
  }
}
