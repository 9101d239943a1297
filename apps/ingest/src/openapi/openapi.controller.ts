import { Controller, Get, Header } from '@nestjs/common';
import { openApiDocument } from './document.ts';

const text = JSON.stringify(openApiDocument());

/** What this API is, for who generates a client from it. */
@Controller('openapi.json')
export class OpenApiController {
  @Get()
  @Header('content-type', 'application/json; charset=utf-8')
  describe(): string {
    return text;
  }
}
