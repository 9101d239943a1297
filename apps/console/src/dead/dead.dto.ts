import { isRfc3339, isTenant, type DeadReason } from '@spillway/contracts';
import { IsIn, IsString, MaxLength, ValidateBy } from 'class-validator';
import { IfGiven } from '../input/rules.ts';
import { deadReasons, type DeadFilters } from './dead-filters.ts';

const That = (name: string, holds: (value: string) => boolean, wanted: string): PropertyDecorator =>
  ValidateBy({ name, validator: { validate: (value: unknown) => typeof value === 'string' && holds(value), defaultMessage: () => wanted } });

/** The same in a query and in a body. */
export class DeadFiltersDto implements DeadFilters {
  @IfGiven()
  @IsIn(['endpoint', 'pipeline'], { message: 'endpoint or pipeline' })
  by?: 'endpoint' | 'pipeline';

  @IfGiven()
  @That('isTenant', isTenant, '1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit')
  tenant?: string;

  @IfGiven()
  @IsString({ message: 'an endpoint’s id, or its uid beside its tenant' })
  @MaxLength(128, { message: 'at most 128 characters' })
  endpoint?: string;

  @IfGiven()
  @IsIn(deadReasons, { message: deadReasons.join(', ') })
  reason?: DeadReason;

  @IfGiven()
  @That('isTime', isRfc3339, 'a time as RFC 3339 has it: 2026-11-22T12:00:00Z')
  from?: string;

  @IfGiven()
  @That('isTime', isRfc3339, 'a time as RFC 3339 has it: 2026-11-22T12:00:00Z')
  to?: string;
}
