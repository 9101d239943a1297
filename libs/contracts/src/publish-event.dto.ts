import { IsISO8601, IsOptional, IsString, Length, Matches, ValidateIf } from 'class-validator';
import { EVENT_TYPE_PATTERN, OWN_TENANT_PATTERN, TENANT_PATTERN } from './tokens.ts';

const tenantOrOwn = new RegExp(`${TENANT_PATTERN.source}|${OWN_TENANT_PATTERN.source}`);

/**
 * What a producer sends, less `data`: that is never parsed into an object that travels, but cut out of the request as the bytes it came in
 * (JSON.parse would turn 12345678901234567890 into …567000 and 1.0 into 1).
 */
export class PublishEventDto {
  @IsString({ message: 'wanted a string' })
  @Matches(tenantOrOwn, { message: 'wanted 1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit' })
  tenant!: string;

  @IsString({ message: 'wanted a string' })
  @Matches(EVENT_TYPE_PATTERN, { message: 'wanted dotted segments of A-Z a-z 0-9 _ -, like invoice.paid, at most 128 characters' })
  type!: string;

  @ValidateIf((event: PublishEventDto) => event.id !== undefined)
  @IsString({ message: 'wanted a string' })
  @Length(1, 255, { message: 'wanted 1 to 255 characters' })
  id?: string;

  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true }, { message: 'wanted an RFC 3339 time, like 2026-11-22T10:00:00Z' })
  time?: string;
}
