import { isTenant, parseIgnoredPath, TYPE_FILTER_PATTERN } from '@spillway/contracts';
import { ArrayMaxSize, ArrayUnique, IsArray, IsInt, Matches, Max, MaxLength, Min, ValidateBy } from 'class-validator';
import { IfSet } from '../input/rules.ts';

/** Each is looked up in every event of the type. */
const IGNORED_MAX = 20;
const PATH_CHARACTERS_MAX = 256;
/** As long as dedupe's own window may be set to: each content takes 200 bytes of its Redis for so long. */
const WINDOW_SECONDS_MAX = 30 * 86_400;

const IsOneTenant = (): PropertyDecorator =>
  ValidateBy({ name: 'isOneTenant', validator: { validate: (value: unknown) => typeof value === 'string' && isTenant(value), defaultMessage: () => '1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit' } });

const AreIgnoredPaths = (): PropertyDecorator =>
  ValidateBy(
    { name: 'areIgnoredPaths', validator: { validate: (path: unknown) => typeof path === 'string' && parseIgnoredPath(path) !== undefined, defaultMessage: () => String.raw`paths below data, like data.sentAt or data.items.*.sentAt (a dot in a name is \.)` } },
    { each: true },
  );

export class CreateDedupeRuleDto {
  @IsOneTenant()
  tenant!: string;

  @Matches(TYPE_FILTER_PATTERN, { message: 'an event type, like invoice.paid, or with wildcards, like invoice.* or **' })
  type!: string;

  @IfSet()
  @IsArray({ message: 'a list of paths' })
  @ArrayMaxSize(IGNORED_MAX, { message: `at most ${IGNORED_MAX} paths` })
  @ArrayUnique({ message: 'each path once' })
  @MaxLength(PATH_CHARACTERS_MAX, { each: true, message: `each at most ${PATH_CHARACTERS_MAX} characters` })
  @AreIgnoredPaths()
  ignore?: string[] | null;

  @IsInt({ message: 'a whole number of seconds' })
  @Min(1, { message: 'at least 1' })
  @Max(WINDOW_SECONDS_MAX, { message: `at most ${WINDOW_SECONDS_MAX}` })
  windowSeconds!: number;
}
