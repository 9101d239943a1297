import { Module, type DynamicModule } from '@nestjs/common';
import { AttemptPath, type Pace } from '@spillway/attempts';
import { CALENDAR_PACE, RetryConsumer } from './retry.consumer.ts';

@Module({})
export class RetrierModule {
  static with(path: AttemptPath, pace: Pace): DynamicModule {
    return {
      module: RetrierModule,
      controllers: [RetryConsumer],
      providers: [
        { provide: AttemptPath, useValue: path },
        { provide: CALENDAR_PACE, useValue: pace },
      ],
    };
  }
}
