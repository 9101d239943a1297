import { MAX_ENDPOINTS_PER_TENANT } from '@spillway/endpoints';
import { IsInt, IsNumber, Max, Min } from 'class-validator';
import { IfSet, IsEventRate } from '../input/rules.ts';

export class TenantSettingsDto {
  @IfSet()
  @IsInt({ message: 'a whole number' })
  @Min(0, { message: 'at least 0' })
  @Max(MAX_ENDPOINTS_PER_TENANT, { message: `at most ${MAX_ENDPOINTS_PER_TENANT}: an event goes to all of them in one atomic batch` })
  maxEndpoints?: number | null;

  /** What is over it goes by the lane `bulk`; nothing is refused for it. */
  @IfSet()
  @IsEventRate()
  ratePerSecond?: number | null;

  /** Of the bytes of WEBHOOK_INGEST. */
  @IfSet()
  @IsNumber({ allowNaN: false, allowInfinity: false }, { message: 'a number' })
  @Min(0.001, { message: 'at least 0.001' })
  @Max(1, { message: 'at most 1' })
  share?: number | null;
}
