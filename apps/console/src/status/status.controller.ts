import { Controller, Get } from '@nestjs/common';
import type { DedupeIndexStatus } from '@spillway/contracts';
import { NeedsForPlane } from '../access/needs.ts';
import { DedupeRules } from '../dedupe-rules/dedupe-rules.ts';
import { PlaneStatus, type PlaneStatusAnswer } from './plane-status.ts';

/** `dedupe`: which index it goes by, how that is and how long it remembers, as dedupe says; null while none has ever run. */
export type StatusView = PlaneStatusAnswer & { dedupe: DedupeIndexStatus | null };

@Controller('v1/status')
export class StatusController {
  constructor(
    private readonly status: PlaneStatus,
    private readonly rules: DedupeRules,
  ) {}

  @Get()
  @NeedsForPlane('status:read')
  async read(): Promise<StatusView> {
    return { ...(await this.status.read()), dedupe: this.rules.index ?? null };
  }
}
