import { canonicalNumber } from './canonical-number.ts';

/** A JSON value whose leaves are texts of one spelling each; numbers stay the digits they were. */
export type JsonTree = string | JsonTree[] | JsonObject;
export type JsonObject = { members: [key: string, value: JsonTree][] };

/** Ingest accepts 512; what is deeper came past it. */
const DEPTH_MAX = 1_000;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/**
 * Reads JSON without turning numbers into doubles: `JSON.parse` makes 12345678901234567890 and 12345678901234567000 one value, and then two honest events are one.
 * For the same reason both of two members with one name are kept.
 * @throws SyntaxError
 */
export const readJson = (text: string): JsonTree => {
  const reader = new Reader(text);
  const tree = reader.value(0);
  reader.end();
  return tree;
};

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): JsonTree {
    if (depth > DEPTH_MAX) throw new SyntaxError(`deeper than ${DEPTH_MAX}`);
    this.match(SPACE);
    const value = this.bare(depth);
    this.match(SPACE);
    return value;
  }

  end(): void {
    if (this.at < this.text.length) throw this.wrong();
  }

  private bare(depth: number): JsonTree {
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      default:
        return this.match(WORD) ?? canonicalNumber(this.match(NUMBER) ?? this.fail());
    }
  }

  private object(depth: number): JsonObject {
    const members: JsonObject['members'] = [];
    this.list('}', () => {
      this.match(SPACE);
      const key = JSON.parse(this.string()) as string;
      this.match(SPACE);
      this.take(':');
      members.push([key, this.value(depth + 1)]);
    });
    // by UTF-16 code units, as RFC 8785 has it, which is what `<` compares; those of one name stay in their order
    return { members: members.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))) };
  }

  private array(depth: number): JsonTree[] {
    const items: JsonTree[] = [];
    this.list(']', () => items.push(this.value(depth + 1)));
    return items;
  }

  private list(close: string, item: () => void): void {
    this.at += 1;
    this.match(SPACE);
    if (this.text[this.at] !== close) {
      item();
      while (this.text[this.at] === ',') {
        this.at += 1;
        item();
      }
    }
    this.take(close);
  }

  /** With the fewest escapes: `"\u0041"` is `"A"`. Not normalised beyond that (RFC 8785, 3.2.2.2): é in one code point and in two are two texts. */
  private string(): string {
    const raw = this.match(STRING) ?? this.fail();
    return raw.includes('\\') ? JSON.stringify(JSON.parse(raw)) : raw;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.text) ?? [];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private take(character: string): void {
    if (this.text[this.at] !== character) throw this.wrong();
    this.at += 1;
  }

  private fail(): never {
    throw this.wrong();
  }

  private wrong(): SyntaxError {
    return new SyntaxError(`no JSON at character ${this.at}`);
  }
}
