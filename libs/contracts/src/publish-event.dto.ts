import { Matches, ValidateBy, ValidateIf } from 'class-validator';
import { isRfc3339 } from './rfc3339.ts';
import { EVENT_TYPE_PATTERN, OWN_TENANT_PATTERN, SOURCE_ID_PATTERN, TENANT_PATTERN } from './tokens.ts';

const tenantOrOwn = new RegExp(`${TENANT_PATTERN.source}|${OWN_TENANT_PATTERN.source}`);

/** Absent is fine, `null` is not: whoever writes a field means something by it. */
const whenGiven = (name: 'id' | 'time') => ValidateIf((event: PublishEventDto) => event[name] !== undefined);

/**
 * What a producer sends, less `data`: that is never parsed into an object that travels, but cut out of the request as the bytes it came in
 * (JSON.parse would turn 12345678901234567890 into …567000 and 1.0 into 1).
 *
 * One rule a field (each refuses what is no string, too), because this runs for every event; its message says what is wanted.
 */
export class PublishEventDto {
  @Matches(tenantOrOwn, { message: 'a string: 1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit' })
  tenant!: string;

  @Matches(EVENT_TYPE_PATTERN, { message: 'a string: dotted segments of A-Z a-z 0-9 _ -, like invoice.paid, at most 128 characters' })
  type!: string;

  @whenGiven('id')
  @Matches(SOURCE_ID_PATTERN, { message: 'a string: 1 to 255 characters of well-formed Unicode' })
  id?: string;

  @whenGiven('time')
  @ValidateBy({ name: 'isRfc3339', validator: { validate: isRfc3339 } }, { message: 'a string: an RFC 3339 time, like 2026-11-22T10:00:00Z' })
  time?: string;
}
