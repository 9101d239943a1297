import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, UseGuards } from '@nestjs/common';
import { EVENT_TYPE_PATTERN } from '@spillway/contracts';
import { NeedsForPlane, NeedsKey } from '../access/needs.ts';
import { RegistryReady } from '../access/ready.guard.ts';
import { BodyOf } from '../input/body-of.ts';
import { pageOf, pageQuery, type Page } from '../input/paging.ts';
import { invalid, unknown } from '../problems.ts';
import { EventTypeDto } from './event-type.dto.ts';
import { EventTypes, type EventTypeRecord } from './event-types.ts';

const legal = (type: string): string => {
  if (!EVENT_TYPE_PATTERN.test(type)) throw invalid([{ field: 'type', wanted: 'dotted segments of A-Z a-z 0-9 _ -, like invoice.paid, at most 128 characters' }]);
  return type;
};

/** The catalogue belongs to all tenants: each may read it, to choose from. */
@UseGuards(RegistryReady)
@Controller('v1/event-types')
export class EventTypesController {
  constructor(private readonly types: EventTypes) {}

  @Get()
  @NeedsKey('endpoints:read', 'endpoints:write')
  list(@Query() query: Record<string, unknown>): Page<EventTypeRecord> {
    return pageOf(
      this.types.all(),
      ({ type }) => type,
      (record) => record,
      pageQuery(query),
    );
  }

  @Get(':type')
  @NeedsKey('endpoints:read', 'endpoints:write')
  get(@Param('type') type: string): EventTypeRecord {
    const record = this.types.get(legal(type));
    if (record === undefined) throw unknown('unknown_event_type', `no event type ${type}`);
    return record;
  }

  @Put(':type')
  @NeedsForPlane('endpoints:write')
  async put(@Param('type') type: string, @Body(new BodyOf(EventTypeDto)) { description, example, schema }: EventTypeDto): Promise<EventTypeRecord> {
    return this.types.put(legal(type), { description, ...(example === undefined ? {} : { example }), ...(schema === undefined ? {} : { schema }) }, new Date().toISOString());
  }

  @Delete(':type')
  @HttpCode(204)
  @NeedsForPlane('endpoints:write')
  async remove(@Param('type') type: string): Promise<void> {
    this.get(type);
    await this.types.remove(type);
  }
}
