import { RecentSizes } from './recent-sizes.ts';

/** What waits of one tenant in one lane: as the broker counted it a moment ago, and what this process did since. */
export class LaneTally {
  private readonly sizes = new RecentSizes();
  private listed = 0;
  private listedEvents = 0;
  private listedBytes = 0;
  /** Confirmed since that count was asked for. */
  private since = 0;
  private sinceEvents = 0;
  private sinceBytes = 0;
  /** Handed to the publisher, not answered yet. */
  private underWay = 0;
  private underWayBytes = 0;
  /** Of `since`, when the next count was asked for: it holds those. */
  private asked = { messages: 0, events: 0, bytes: 0 };
  /** How many more than ours came between two counts: other ingests send, too. */
  private others = 0;

  /** As the broker counts them; each that is under way may become one. */
  get messages(): number {
    return this.listed + this.since + this.underWay;
  }

  get events(): number {
    return this.listedEvents + this.sinceEvents + this.underWay;
  }

  get bytes(): number {
    return this.listedBytes + this.sinceBytes + this.underWayBytes;
  }

  get inFlight(): number {
    return this.underWay;
  }

  get inFlightBytes(): number {
    return this.underWayBytes;
  }

  get othersGrowth(): number {
    return this.others;
  }

  get isIdle(): boolean {
    return this.messages === 0;
  }

  send(bytes: number): void {
    this.underWay += 1;
    this.underWayBytes += bytes;
  }

  /** It is on disk. @param isFirst of its message: a page has many events, and counts once */
  stored(bytes: number, isFirst = true): void {
    this.notStored(bytes);
    if (isFirst) this.since += 1;
    this.sinceEvents += 1;
    this.sinceBytes += bytes;
    this.sizes.add(bytes, isFirst);
  }

  /** It is not, or nobody knows: the next count will tell. */
  notStored(bytes: number): void {
    this.underWay -= 1;
    this.underWayBytes -= bytes;
  }

  /** The broker is asked now: what it answers holds everything that was confirmed before. */
  asking(): void {
    this.asked = { messages: this.since, events: this.sinceEvents, bytes: this.sinceBytes };
  }

  /**
   * @param meanBytes of the whole stream: for what this process sent nothing of, and takes to be one event a message
   * @returns whether somebody else has sent, too: there are more than all that came from here
   */
  count(messages: number, meanBytes: number): boolean {
    const hasOthers = messages > this.messages;
    this.others = Math.max(0, messages - this.listed - this.asked.messages);
    this.since -= this.asked.messages;
    this.sinceEvents -= this.asked.events;
    this.sinceBytes -= this.asked.bytes;
    this.asked = { messages: 0, events: 0, bytes: 0 };
    this.listed = messages;
    // the newest of them all: what was confirmed since is newer still, and counted by itself
    const known = this.sizes.ofNewest(messages + this.since);
    this.listedEvents = known === undefined ? messages : Math.max(0, known.events - this.sinceEvents);
    this.listedBytes = known === undefined ? messages * meanBytes : Math.max(0, known.bytes - this.sinceBytes);
    return hasOthers;
  }
}
