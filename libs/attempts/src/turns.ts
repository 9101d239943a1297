import type { Line } from './line.ts';

/** So many lines that may not begin just now are passed over in one go; they go to the end, so none is passed over for ever. */
const PASSED_OVER_MAX = 64;

/** Lines with somebody waiting, in the order of their turns; those whose attempts may be long apart, so that they can be left out as a whole. */
export class Turns {
  private readonly quick = new Set<Line>();
  private readonly long = new Set<Line>();

  add(line: Line): void {
    const [own, other] = line.maybeLong ? [this.long, this.quick] : [this.quick, this.long];
    other.delete(line);
    own.add(line);
  }

  delete(line: Line): void {
    this.quick.delete(line);
    this.long.delete(line);
  }

  /** The next line that `may` begin. It is taken out; `add` puts it at the end again. */
  next(may: (line: Line) => boolean, longToo: boolean): Line | undefined {
    return firstOf(this.quick, may) ?? (longToo ? firstOf(this.long, may) : undefined);
  }
}

const firstOf = (lines: Set<Line>, may: (line: Line) => boolean): Line | undefined => {
  let passedOver = 0;
  for (const line of lines) {
    lines.delete(line);
    if (may(line)) return line;
    lines.add(line);
    passedOver += 1;
    if (passedOver >= Math.min(PASSED_OVER_MAX, lines.size)) return undefined;
  }
  return undefined;
};
