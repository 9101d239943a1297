import { ValidateBy, ValidateIf, type ValidationOptions } from 'class-validator';

/** Absent is fine; a field that is written is checked, `null` too. */
export const IfGiven = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

/** In a change `null` takes the setting back, and absent leaves it as it is. */
export const IfSet = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined && value !== null);

/** Events a second. Below, who sends one a minute could as well be refused; above, there is no ingest that fast. */
const [SLOWEST_RATE, FASTEST_RATE] = [0.01, 1_000_000];

export const IsEventRate = (): PropertyDecorator =>
  ValidateBy({
    name: 'isEventRate',
    validator: {
      validate: (value: unknown) => typeof value === 'number' && value >= SLOWEST_RATE && value <= FASTEST_RATE,
      defaultMessage: () => `a number of events a second, from ${SLOWEST_RATE} to ${FASTEST_RATE}`,
    },
  });

/** A map of short texts, bounded in every way: it is kept in a record that every worker holds in memory. */
export const IsTextMap = (bounds: { maxEntries: number; maxKeyCharacters: number; maxValueCharacters: number }, options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isTextMap',
      validator: {
        validate: (value: unknown) => isTextMap(value, bounds),
        defaultMessage: () => `an object of texts: at most ${bounds.maxEntries}, names to ${bounds.maxKeyCharacters} characters, values to ${bounds.maxValueCharacters}`,
      },
    },
    options,
  );

const isTextMap = (value: unknown, { maxEntries, maxKeyCharacters, maxValueCharacters }: Parameters<typeof IsTextMap>[0]): boolean => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= maxEntries &&
    entries.every(([key, text]: [string, unknown]) => key.length > 0 && key.length <= maxKeyCharacters && typeof text === 'string' && text.length <= maxValueCharacters)
  );
};

/** Anything JSON can say, as long as it is not larger than this. */
export const IsSmallJson = (maxBytes: number): PropertyDecorator =>
  ValidateBy({
    name: 'isSmallJson',
    validator: {
      validate: (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '') <= maxBytes,
      defaultMessage: () => `at most ${maxBytes} bytes of JSON`,
    },
  });

/** Whole seconds from 1, one after the other. */
export const IsSchedule = ({ maxWaits, maxSeconds }: { maxWaits: number; maxSeconds: number }): PropertyDecorator =>
  ValidateBy({
    name: 'isSchedule',
    validator: {
      validate: (value: unknown) => isSchedule(value, maxWaits, maxSeconds),
      defaultMessage: () => `a list of at most ${maxWaits} waits in whole seconds, each at least 1, together at most ${maxSeconds}`,
    },
  });

const isSchedule = (value: unknown, maxWaits: number, maxSeconds: number): boolean =>
  Array.isArray(value) &&
  value.length <= maxWaits &&
  value.every((wait) => Number.isSafeInteger(wait) && wait >= 1) &&
  value.reduce((sum: number, wait: number) => sum + wait, 0) <= maxSeconds;
