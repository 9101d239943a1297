const UNITS = { B: 1, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 } as const;
const SIZE = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)?$/i;

const keyOf = (unit: string) => unit.toUpperCase() as keyof typeof UNITS;

/** What `parseSize` takes, for messages that say what was wanted. */
export const SIZE_FORM = 'a size above 0 such as 64MiB or 8GiB, or a number of bytes';

/** Bytes, or `undefined` when it is no size. `8GB` is none: to one tool it means 8·10⁹, to nats-server 8·2³⁰. */
export const parseSize = (text: string): number | undefined => {
  const [, digits, unit = 'B'] = SIZE.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const bytes = Number(digits) * UNITS[keyOf(unit)];
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
};

/** `1GiB`, `1.5MiB`, `100B`: exact where two decimals suffice. */
export const formatSize = (bytes: number): string => {
  const name = (['TiB', 'GiB', 'MiB', 'KiB'] as const).find((unit) => bytes >= UNITS[keyOf(unit)]) ?? 'B';
  return `${Number((bytes / UNITS[keyOf(name)]).toFixed(2))}${name}`;
};
