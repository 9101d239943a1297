import { MAX_ENDPOINTS_PER_TENANT } from '@spillway/endpoints';
import { IsInt, Max, Min } from 'class-validator';
import { IfSet } from '../input/rules.ts';

export class TenantSettingsDto {
  @IfSet()
  @IsInt({ message: 'a whole number' })
  @Min(0, { message: 'at least 0' })
  @Max(MAX_ENDPOINTS_PER_TENANT, { message: `at most ${MAX_ENDPOINTS_PER_TENANT}: an event goes to all of them in one atomic batch` })
  maxEndpoints?: number | null;
}
