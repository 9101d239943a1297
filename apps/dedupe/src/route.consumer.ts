import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Consumes } from '@spillway/jetstream';
import { Lanes } from './lanes.ts';
import type { Routing } from './router.ts';

/** Each resolves when the event's deliveries, or the fact that it has none, are on disk: then it may be removed. */
@Controller()
export class RouteConsumer {
  constructor(private readonly lanes: Lanes) {}

  @Consumes('dedupe-fresh')
  fresh(@Payload() routing: Routing): Promise<void> {
    return this.lanes.fresh.route(routing);
  }

  @Consumes('dedupe-bulk')
  bulk(@Payload() routing: Routing): Promise<void> {
    return this.lanes.bulk.route(routing);
  }

  @Consumes('dedupe-ordered')
  ordered(@Payload() routing: Routing): Promise<void> {
    return this.lanes.ordered.route(routing);
  }
}
