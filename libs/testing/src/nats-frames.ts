/** The head of a message, from either side: `PUB`, `HPUB`, `MSG`, `HMSG`. */
export type Head = { verb: string; subject: string; reply: string | undefined };

const CRLF = Buffer.from('\r\n');
/** Words of each verb's line without a reply: `HMSG <subject> <sid> <header bytes> <bytes>`. */
const WORDS: Readonly<Record<string, number>> = { PUB: 3, HPUB: 4, MSG: 4, HMSG: 5 };

/** Cuts one direction of a NATS connection into its frames: just enough of the protocol to leave some out. */
export class NatsFrames {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly leftOut: (head: Head) => boolean) {}

  /** @returns what goes on, in order; a frame that is not whole yet waits for the rest of it */
  pass(bytes: Buffer): Buffer[] {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    const kept: Buffer[] = [];
    for (let frame = this.next(); frame !== undefined; frame = this.next()) if (!frame.out) kept.push(frame.bytes);
    return kept;
  }

  private next(): { bytes: Buffer; out: boolean } | undefined {
    const lineEnd = this.rest.indexOf(CRLF);
    if (lineEnd < 0) return undefined;
    const words = this.rest.toString('latin1', 0, lineEnd).trim().split(/\s+/);
    const verb = (words[0] ?? '').toUpperCase();
    const fewest = WORDS[verb];
    const size = lineEnd + 2 + (fewest === undefined ? 0 : Number(words.at(-1)) + 2);
    if (this.rest.length < size) return undefined;
    const bytes = this.rest.subarray(0, size);
    this.rest = this.rest.subarray(size);
    return { bytes, out: fewest !== undefined && this.leftOut(headOf(verb, words, fewest)) };
  }
}

const headOf = (verb: string, words: string[], fewest: number): Head => ({
  verb,
  subject: words[1] ?? '',
  reply: words.length > fewest ? words[verb.endsWith('PUB') ? 2 : 3] : undefined,
});
