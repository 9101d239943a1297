import { Injectable, type CanActivate } from '@nestjs/common';
import { EndpointRegistry } from '@spillway/endpoints';
import { notReady } from '../problems.ts';

/** For routes that answer from the registry: what is not in sight yet is not unknown. */
@Injectable()
export class RegistryReady implements CanActivate {
  constructor(private readonly registry: EndpointRegistry) {}

  canActivate(): boolean {
    if (!this.registry.state.ready) throw notReady(this.registry.state.why);
    return true;
  }
}
