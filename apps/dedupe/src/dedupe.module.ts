import { Module, type DynamicModule } from '@nestjs/common';
import { RouteConsumer } from './route.consumer.ts';
import { Lanes } from './lanes.ts';

@Module({})
export class DedupeModule {
  static with(lanes: Lanes): DynamicModule {
    return { module: DedupeModule, controllers: [RouteConsumer], providers: [{ provide: Lanes, useValue: lanes }] };
  }
}
