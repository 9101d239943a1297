import { isRfc3339, TENANT_PATTERN } from '@spillway/contracts';
import { scopes, type Scope } from '@spillway/keys';
import { ArrayMinSize, ArrayUnique, IsArray, IsIn, IsString, Matches, MaxLength, ValidateBy } from 'class-validator';
import { IfSet, IsEventRate } from '../input/rules.ts';

const isToCome = (value: unknown): boolean => isRfc3339(value) && Date.parse(value) > Date.now();

export class CreateKeyDto {
  @IfSet()
  @Matches(TENANT_PATTERN, { message: '1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit' })
  tenant?: string | null;

  @IsArray({ message: 'a list of scopes' })
  @ArrayMinSize(1, { message: 'at least one scope' })
  @ArrayUnique({ message: 'each scope once' })
  @IsIn(scopes, { each: true, message: `scopes out of ${scopes.join(' ')}` })
  scopes!: Scope[];

  @IfSet()
  @ValidateBy({ name: 'isToCome', validator: { validate: isToCome } }, { message: 'an RFC 3339 time to come, like 2026-11-22T10:00:00Z' })
  expiresAt?: string | null;

  @IfSet()
  @IsString({ message: 'a string' })
  @MaxLength(500, { message: 'at most 500 characters' })
  description?: string | null;

  /** Above it the key is answered 429 `rate_limited`. */
  @IfSet()
  @IsEventRate()
  ratePerSecond?: number | null;
}
