import { Module, type DynamicModule } from '@nestjs/common';
import { RouteConsumer } from './route.consumer.ts';
import { Router } from './router.ts';

@Module({})
export class DedupeModule {
  static with(router: Router): DynamicModule {
    return { module: DedupeModule, controllers: [RouteConsumer], providers: [{ provide: Router, useValue: router }] };
  }
}
