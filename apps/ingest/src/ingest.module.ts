import { Module, type DynamicModule } from '@nestjs/common';
import { EventsController } from './events.controller.ts';
import { EventsEndpoint } from './http/events-endpoint.ts';
import { OpenApiController } from './openapi/openapi.controller.ts';

@Module({})
export class IngestModule {
  static with(endpoint: EventsEndpoint): DynamicModule {
    return { module: IngestModule, controllers: [EventsController, OpenApiController], providers: [{ provide: EventsEndpoint, useValue: endpoint }] };
  }
}
