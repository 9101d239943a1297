import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EventsEndpoint } from './http/events-endpoint.ts';

/** The routes, as Nest knows them. What is spelled plainly does not come by here (`http/shortcut.ts`), and is answered the same. */
@Controller('v1/events')
export class EventsController {
  constructor(private readonly endpoint: EventsEndpoint) {}

  /** One event. `202` says that it is on disk. */
  @Post()
  publish(@Req() { raw }: FastifyRequest, @Res() reply: FastifyReply): void {
    this.endpoint.handle('/v1/events', raw, reply.hijack().raw, true);
  }

  /** Several. `202` says that all are on disk, `207` what became of each. */
  @Post('batch')
  publishBatch(@Req() { raw }: FastifyRequest, @Res() reply: FastifyReply): void {
    this.endpoint.handle('/v1/events/batch', raw, reply.hijack().raw, true);
  }
}
