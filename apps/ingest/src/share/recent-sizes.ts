/** What some messages hold. */
export type Content = { events: number; bytes: number };
type Chunk = Content & { messages: number };

/** So many are kept; then neighbours are put together, so that a long backlog costs no more memory than a short one. */
const CHUNKS_MAX = 64;

/**
 * What the newest messages of one subject hold, as far as this process sent them. Messages leave a subject in the order they came, so when so many are left
 * they are the newest so many: exact for one ingest, but for the chunk at the edge, and a mean of the newest where several share a tenant.
 */
export class RecentSizes {
  /** Oldest first. */
  private chunks: Chunk[] = [];
  private perChunk = 1;

  /** An event. @param isFirst false: more of the message before */
  add(bytes: number, isFirst = true): void {
    const last = this.chunks.at(-1);
    if (last && (!isFirst || last.messages < this.perChunk)) {
      if (isFirst) last.messages += 1;
      last.events += 1;
      last.bytes += bytes;
    } else {
      this.chunks.push({ messages: 1, events: 1, bytes });
      if (this.chunks.length > CHUNKS_MAX) this.widen();
    }
  }

  /** Of the newest so many messages; what was sent before that is forgotten. `undefined`: nothing is known. */
  ofNewest(messages: number): Content | undefined {
    let [counted, events, bytes] = [0, 0, 0];
    let from = this.chunks.length;
    while (from > 0 && counted < messages) {
      const chunk = this.chunks[(from -= 1)] as Chunk;
      counted += chunk.messages;
      events += chunk.events;
      bytes += chunk.bytes;
    }
    if (counted === 0) return messages === 0 ? this.clear() : undefined;
    this.chunks.splice(0, from);
    // too many: the chunk at the edge is older in part
    if (counted >= messages) return { events: (events * messages) / counted, bytes: (bytes * messages) / counted };
    // too few: the rest came by way of other ingests, or before this one; it is taken to be single events as large as these, not pages (100 events in one message make no 2,500 others pages)
    const rest = messages - counted;
    return { events: events + rest, bytes: bytes + (rest * bytes) / events };
  }

  private clear(): Content {
    this.chunks = [];
    this.perChunk = 1;
    return { events: 0, bytes: 0 };
  }

  private widen(): void {
    const halved: Chunk[] = [];
    for (let at = 0; at < this.chunks.length; at += 2) {
      const [one, two] = [this.chunks[at] as Chunk, this.chunks[at + 1]];
      halved.push({ messages: one.messages + (two?.messages ?? 0), events: one.events + (two?.events ?? 0), bytes: one.bytes + (two?.bytes ?? 0) });
    }
    this.chunks = halved;
    this.perChunk *= 2;
  }
}
