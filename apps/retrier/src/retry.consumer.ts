import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { AttemptPath, type Due, type Pace, type Step } from '@spillway/attempts';
import { Consumes } from '@spillway/jetstream';

/** Nest finds it by this token: a type alone does not outlive compilation. */
export const CALENDAR_PACE = Symbol('the pace of the calendar');

@Controller()
export class RetryConsumer {
  constructor(
    private readonly path: AttemptPath,
    @Inject(CALENDAR_PACE) private readonly pace: Pace,
  ) {}

  /** A later attempt whose time has come; also the first of what PARKED had no room for. */
  @Consumes('calendar')
  async due(@Payload() due: Due): Promise<Step> {
    this.pace.took();
    const step = await this.path.attempt(due);
    if (step.next.go === 'stays') this.pace.gaveBack();
    return step;
  }

  /** A later attempt that waits for its endpoint. */
  @Consumes('parked-later')
  parked(@Payload() due: Due): Promise<Step> {
    return this.path.attempt(due);
  }
}
