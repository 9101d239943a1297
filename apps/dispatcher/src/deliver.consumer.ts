import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { AttemptPath, type Due, type Step } from '@spillway/attempts';
import { Consumes } from '@spillway/jetstream';

@Controller()
export class DeliverConsumer {
  constructor(private readonly path: AttemptPath) {}

  /** An attempt from where the delivery waits: for its turn, or for its endpoint. */
  @Consumes('dispatcher-fresh', 'dispatcher-bulk', 'parked-first', 'parked-later')
  deliver(@Payload() due: Due): Promise<Step> {
    return this.path.attempt(due);
  }
}
