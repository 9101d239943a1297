import { Controller, Get } from '@nestjs/common';
import { NeedsForPlane } from '../access/needs.ts';
import { PlaneStatus, type PlaneStatusAnswer } from './plane-status.ts';

@Controller('v1/status')
export class StatusController {
  constructor(private readonly status: PlaneStatus) {}

  @Get()
  @NeedsForPlane('status:read')
  async read(): Promise<PlaneStatusAnswer> {
    return this.status.read();
  }
}
