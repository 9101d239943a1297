import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Consumes } from '@spillway/jetstream';
import { Router, type Routing } from './router.ts';

@Controller()
export class RouteConsumer {
  constructor(private readonly router: Router) {}

  /** Resolves when the event's deliveries, or the fact that it has none, are on disk: then it may be removed. */
  @Consumes('dedupe-fresh')
  route(@Payload() routing: Routing): Promise<void> {
    return this.router.route(routing);
  }
}
