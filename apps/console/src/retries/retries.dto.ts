import { isTenant } from '@spillway/contracts';
import { IsNumber, IsString, Max, MaxLength, Min, ValidateBy, ValidateIf } from 'class-validator';
import { IfGiven } from '../input/rules.ts';

const IsTenant = (): PropertyDecorator =>
  ValidateBy({ name: 'isTenant', validator: { validate: (value: unknown) => typeof value === 'string' && isTenant(value), defaultMessage: () => '1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit' } });

/** Whose later attempts; without either, all. */
export class RetryScopeDto {
  @IfGiven()
  @IsTenant()
  tenant?: string;

  @IfGiven()
  @IsString({ message: 'an endpoint’s id, or its uid beside its tenant' })
  @MaxLength(128, { message: 'at most 128 characters' })
  endpoint?: string;
}

/** Below one in a hundred seconds it is a suspension; above this nothing is throttled. */
const SLOWEST = 0.01;
const FASTEST = 100_000;

export class ThrottleDto extends RetryScopeDto {
  @ValidateIf((_, value) => value !== null)
  @IsNumber({ allowNaN: false, allowInfinity: false }, { message: 'a number, or null for no throttle' })
  @Min(SLOWEST, { message: `at least ${SLOWEST}` })
  @Max(FASTEST, { message: `at most ${FASTEST}` })
  perSecond!: number | null;
}
