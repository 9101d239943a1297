/**
 * Limits that an operator set by command live in the stream's own metadata: written in the same request as the limit itself, kept as long as the stream,
 * seen by everybody who asks the server, and lost with no file.
 */
export type Overrides = { readonly maxBytes?: number; readonly maxMessagesPerSubject?: number };

export const OVERRIDE_KEYS = { maxBytes: 'spillway-max-bytes', maxMessagesPerSubject: 'spillway-max-messages-per-subject' } as const satisfies Record<keyof Overrides, string>;

/** The number of shards that the messages of a stream were sorted by. */
export const SHARDS_KEY = 'spillway-shards';

type Metadata = Readonly<Record<string, string>>;

/** @throws RangeError when somebody wrote something else there by hand */
export const readOverrides = (metadata: Metadata): Overrides => {
  const read = (key: string): number | undefined => {
    const text = metadata[key];
    if (text === undefined) return undefined;
    if (!/^[1-9]\d{0,15}$/.test(text)) throw new RangeError(`metadata ${key} is ${JSON.stringify(text)}, not a number above 0`);
    return Number(text);
  };
  return { maxBytes: read(OVERRIDE_KEYS.maxBytes), maxMessagesPerSubject: read(OVERRIDE_KEYS.maxMessagesPerSubject) };
};

export const writeOverrides = (overrides: Overrides): Record<string, string> =>
  Object.fromEntries(
    Object.entries(OVERRIDE_KEYS)
      .map(([field, key]) => [key, overrides[field as keyof Overrides]] as const)
      .flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
