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
    this.endpoint.handle(raw, reply.hijack().raw, true);
  }
}
