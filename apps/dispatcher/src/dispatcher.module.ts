import { Module, type DynamicModule } from '@nestjs/common';
import { AttemptPath } from '@spillway/attempts';
import { DeliverConsumer } from './deliver.consumer.ts';

@Module({})
export class DispatcherModule {
  static with(path: AttemptPath): DynamicModule {
    return { module: DispatcherModule, controllers: [DeliverConsumer], providers: [{ provide: AttemptPath, useValue: path }] };
  }
}
