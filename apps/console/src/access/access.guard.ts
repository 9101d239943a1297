import { createParamDecorator, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { isTenant } from '@spillway/contracts';
import { KeyRing, reaches, WHOLE_PLANE, type Principal } from '@spillway/keys';
import { invalid, missingScope, notReady, unauthenticated, wrongTenant } from '../problems.ts';
import { NEED, type Need } from './needs.ts';

type Asking = { headers: { authorization?: string }; params: { tenant?: string }; principal?: Principal };

/** A leading `_` is ours (`_system`, `_canary`): only the admin key reaches them. */
const isOurs = (tenant: string): boolean => tenant.startsWith('_');

/** Before every route: who asks, may they, and for whom. A route that does not say what it needs lets nobody in. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: KeyRing,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const need = this.reflector.getAllAndOverride<Need | 'public' | undefined>(NEED, [context.getHandler(), context.getClass()]);
    if (need === 'public') return true;
    const request = context.switchToHttp().getRequest<Asking>();
    const principal = this.authenticated(request.headers.authorization);
    if (need === undefined) throw new Error(`${context.getClass().name}.${context.getHandler().name} does not say what it needs`);
    this.permit(principal, need, request.params.tenant);
    request.principal = principal;
    return true;
  }

  private authenticated(authorization: string | undefined): Principal {
    const principal = this.keys.authenticate(authorization);
    if (principal) return principal;
    // while the ring is not complete an unknown key is not a wrong one
    if (authorization !== undefined && !this.keys.state.ready) throw notReady(this.keys.state.why);
    throw unauthenticated(authorization !== undefined);
  }

  private permit(principal: Principal, { scopes, of }: Need, tenant: string | undefined): void {
    if (!principal.admin && !scopes.some((scope) => principal.scopes.has(scope))) throw missingScope(scopes.join(' or '));
    if (of === 'plane' && !reaches(principal, WHOLE_PLANE)) throw wrongTenant('the whole plane');
    if (of !== 'tenant') return;
    if (tenant === undefined || !isTenant(tenant)) throw invalid([{ field: 'tenant', wanted: '1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit' }]);
    assertActsFor(principal, tenant);
  }
}

/** For routes that name the tenant elsewhere than in their path. @throws ProblemError 403 `wrong_tenant` */
export const assertActsFor = (principal: Principal, tenant: string): void => {
  if (!reaches(principal, tenant) || (isOurs(tenant) && !principal.admin)) throw wrongTenant(`tenant ${tenant}`);
};

/** Who asks; set by the guard before any route runs. */
export const By = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<Asking>();
  if (principal === undefined) throw new Error('a public route asks who calls it');
  return principal;
});
