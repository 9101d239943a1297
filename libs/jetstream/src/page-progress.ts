/** Which places of a page are done with: what comes of them is stored. A bit that is set stays set, so what two writers know together is right, too. */
export class DonePlaces {
  /** How many are done with. */
  size = 0;
  private readonly bits: Buffer;

  constructor(readonly count: number) {
    this.bits = Buffer.alloc(Math.ceil(count / 8));
  }

  has(place: number): boolean {
    return ((this.bits[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
  }

  add(place: number): void {
    if (place >= this.count || this.has(place)) return;
    this.bits[place >> 3] = (this.bits[place >> 3] ?? 0) | (1 << (place & 7));
    this.size += 1;
  }

  addAll(others: DonePlaces): void {
    for (let place = 0; place < others.count; place += 1) if (others.has(place)) this.add(place);
  }

  /** Of 1,000 places 168 characters. */
  encode(): string {
    return this.bits.toString('base64');
  }

  /** `undefined` for what `encode` never wrote of so many places. */
  static decode(text: string, count: number): DonePlaces | undefined {
    const bits = Buffer.from(text, 'base64');
    const places = new DonePlaces(count);
    for (let place = 0; place < count; place += 1) if (((bits[place >> 3] ?? 0) & (1 << (place & 7))) !== 0) places.add(place);
    // the decoder skips what is no base64; and a bit beyond the last place says that this is another page's
    return places.encode() === text ? places : undefined;
  }
}

/** Which message a note is of: the sequence in its key is given anew when a stream is made again, or a server has lost its last moments. */
export type Noted = { readonly origin: string; readonly storedAtMs: number };

type PageNote = Noted & { events: number; done: string };

/** @param by whose word it is, for people */
export const writeNote = ({ origin, storedAtMs }: Noted, done: DonePlaces, by: string, at: Date): string =>
  JSON.stringify({ origin, storedAtMs, events: done.count, done: done.encode(), by, at: at.toISOString() } satisfies PageNote & { by: string; at: string });

/** `undefined` when it is none of this page with so many events: to take one for done that is not would lose it. */
export const readNote = (text: string, page: Noted, count: number): DonePlaces | undefined => {
  const { origin, storedAtMs, events, done } = parsed(text);
  if (origin !== page.origin || storedAtMs !== page.storedAtMs || events !== count || typeof done !== 'string') return undefined;
  return DonePlaces.decode(done, count);
};

const parsed = (text: string): Partial<Record<keyof PageNote, unknown>> => {
  try {
    return (JSON.parse(text) ?? {}) as Partial<Record<keyof PageNote, unknown>>;
  } catch {
    return {};
  }
};
