import { Controller, Get, Header } from '@nestjs/common';
import { EndpointRegistry } from '@spillway/endpoints';
import { KeyRing } from '@spillway/keys';
import { Public } from '../access/needs.ts';
import { statusPage } from './status-page.ts';

@Controller()
export class PageController {
  constructor(
    private readonly registry: EndpointRegistry,
    private readonly keys: KeyRing,
  ) {}

  /** For whoever opens the address in a browser: no key, so nothing that is anybody's. */
  @Get()
  @Public()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  page(): string {
    return statusPage([
      { name: 'endpoints', ...this.registry.state },
      { name: 'keys', ...this.keys.state },
    ]);
  }
}
