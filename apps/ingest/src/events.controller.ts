import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Acceptance } from './acceptance.ts';
import { readEnvelope } from './envelope.ts';
import { readIdempotencyKey } from './event-id.ts';
import { unauthenticated } from './problems.ts';

@Controller('v1/events')
export class EventsController {
  constructor(private readonly acceptance: Acceptance) {}

  /** One event; the body is the bytes as they came. `202` says that it is on disk. */
  @Post()
  @HttpCode(202)
  async publish(@Req() request: FastifyRequest): Promise<{ id: string }> {
    const { principal, headers, body } = request;
    if (!principal) throw unauthenticated(false); // the front door lets nobody through without; this line keeps it so
    const idempotencyKey = readIdempotencyKey(headers['idempotency-key']);
    const envelope = readEnvelope(body as Buffer);
    return { id: await this.acceptance.accept(envelope, principal, idempotencyKey) };
  }
}
