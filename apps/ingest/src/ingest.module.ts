import { Module, type DynamicModule } from '@nestjs/common';
import { Acceptance } from './acceptance.ts';
import { EventsController } from './events.controller.ts';

@Module({})
export class IngestModule {
  static with(acceptance: Acceptance): DynamicModule {
    return { module: IngestModule, controllers: [EventsController], providers: [{ provide: Acceptance, useValue: acceptance }] };
  }
}
