/** As undici gives them: names in lower case, several values of one name as a list. */
export type ReceivedHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What is kept of an answer, for the people who look at an attempt. */
export type ReceivedResponse = { status: number; headers: Record<string, string>; body: string };

/** As in the API: the first 4 KiB. */
const KEPT_BODY_BYTES = 4_096;
const KEPT_HEADERS = 64;
const KEPT_HEADER_CHARACTERS = 4_096;
const KEPT_VALUE_CHARACTERS = 1_024;

const textOf = (value: string | string[] | undefined): string => (Array.isArray(value) ? value.join(', ') : (value ?? '')).slice(0, KEPT_VALUE_CHARACTERS);

/** The first ones, as far as the room goes: an answer may bring 5,000 of them, and each attempt is remembered. */
export const keptHeaders = (headers: ReceivedHeaders): Record<string, string> => {
  const kept: Record<string, string> = {};
  let count = 0;
  let characters = 0;
  for (const name in headers) {
    const value = textOf(headers[name]);
    characters += name.length + value.length;
    count += 1;
    if (count > KEPT_HEADERS || characters > KEPT_HEADER_CHARACTERS) break;
    kept[name] = value;
  }
  return kept;
};

/** The beginning of a body, and how much of it came. */
export class BodyBeginning {
  bytes = 0;
  private readonly parts: Buffer[] = [];

  add(chunk: Buffer): void {
    const room = KEPT_BODY_BYTES - this.bytes;
    this.bytes += chunk.length;
    // a copy: a part of the chunk would keep all of what the socket read, 64 KiB
    if (room > 0) this.parts.push(Buffer.from(chunk.subarray(0, room)));
  }

  /** Not inflated, and what is not UTF-8 is replaced: it is for reading. */
  text(): string {
    const [first] = this.parts;
    if (first === undefined) return '';
    return (this.parts.length === 1 ? first : Buffer.concat(this.parts)).toString('utf8');
  }
}
