import { TYPE_FILTER_PATTERN } from '@spillway/contracts';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsInt, IsNumber, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { IfGiven, IfSet, IsSchedule, IsTextMap } from '../input/rules.ts';

/** As Svix has it; never like one of our ids, so that a path names one endpoint only. */
const UID_PATTERN = /^(?!ep_)[A-Za-z0-9_.-]{1,128}$/;
const UID_WANTED = '1 to 128 of A-Z a-z 0-9 _ . -, not beginning with ep_';

/** All the attempts that one dispatcher makes at once. */
const MAX_IN_FLIGHT = 512;
/** A receiver that needs longer should answer first and work afterwards; the slot it holds is everybody's. */
const MAX_TIMEOUT_SECONDS = 60;

/** An event older than this expires, so a longer schedule would promise attempts that nobody makes. */
const OLDEST_SECONDS = 7 * 86_400;
const MAX_WAITS = 50;
/** Slower is better disabled; and in a second nobody tells more apart. */
const SLOWEST_PER_SECOND = 0.01;
const FASTEST_PER_SECOND = 10_000;

/** What may be set at creation and changed later. `null` in a change takes a setting back to its default. */
class Settings {
  @IfSet()
  @IsArray({ message: 'a list of types, such as ["invoice.*"]; leave it out for every type' })
  @ArrayMinSize(1, { message: 'at least one type; leave it out for every type' })
  @ArrayMaxSize(100, { message: 'at most 100 types' })
  @ArrayUnique({ message: 'each type once' })
  @Matches(TYPE_FILTER_PATTERN, { each: true, message: 'dotted segments, * for one of them and ** for any number, like invoice.*, at most 128 characters' })
  types?: string[] | null;

  @IfSet()
  @IsString({ message: 'a string' })
  @MaxLength(500, { message: 'at most 500 characters' })
  description?: string | null;

  @IfSet()
  @IsTextMap({ maxEntries: 32, maxKeyCharacters: 128, maxValueCharacters: 4_096 })
  headers?: Record<string, string> | null;

  @IfSet()
  @IsInt({ message: 'a whole number' })
  @Min(1, { message: 'at least 1' })
  @Max(MAX_IN_FLIGHT, { message: `at most ${MAX_IN_FLIGHT}` })
  maxInFlight?: number | null;

  @IfSet()
  @IsNumber({ allowNaN: false, allowInfinity: false }, { message: 'a number' })
  @Min(SLOWEST_PER_SECOND, { message: `at least ${SLOWEST_PER_SECOND}` })
  @Max(FASTEST_PER_SECOND, { message: `at most ${FASTEST_PER_SECOND}` })
  ratePerSecond?: number | null;

  /** One after the other in the order of acceptance, the first retried until it has ended. */
  @IfSet()
  @IsBoolean({ message: 'true or false' })
  ordered?: boolean | null;

  /** The waits before attempts 2, 3, …; none means one attempt. */
  @IfSet()
  @IsSchedule({ maxWaits: MAX_WAITS, maxSeconds: OLDEST_SECONDS })
  schedule?: number[] | null;

  @IfSet()
  @IsInt({ message: 'whole seconds' })
  @Min(1, { message: 'at least 1' })
  @Max(MAX_TIMEOUT_SECONDS, { message: `at most ${MAX_TIMEOUT_SECONDS}` })
  timeoutSeconds?: number | null;

  @IfGiven()
  @IsBoolean({ message: 'true or false' })
  enabled?: boolean;

  @IfSet()
  @Matches(UID_PATTERN, { message: UID_WANTED })
  uid?: string | null;

  @IfSet()
  @IsTextMap({ maxEntries: 50, maxKeyCharacters: 64, maxValueCharacters: 500 })
  metadata?: Record<string, string> | null;
}

export class CreateEndpointDto extends Settings {
  @IsString({ message: 'a URL, such as https://example.com/hook' })
  url!: string;

  @IfGiven()
  @IsString({ message: 'whsec_ and the base64 of 24 to 64 bytes' })
  secret?: string;
}

export class ChangeEndpointDto extends Settings {
  @IfGiven()
  @IsString({ message: 'a URL, such as https://example.com/hook' })
  url?: string;
}
