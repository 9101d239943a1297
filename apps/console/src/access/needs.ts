import { SetMetadata, type CustomDecorator } from '@nestjs/common';
import type { Scope } from '@spillway/keys';

/** What a route asks of the key: one of these scopes, for the tenant of the path or, with `plane`, for no tenant in particular. */
export type Need = { scopes: readonly Scope[]; of: 'tenant' | 'plane' | 'anybody' };

export const NEED = 'spillway:need';

/** For the tenant that the path names. */
export const NeedsForTenant = (...scopes: Scope[]): CustomDecorator => SetMetadata(NEED, { scopes, of: 'tenant' } satisfies Need);

/** For what belongs to all tenants: a key of one tenant does not reach it. */
export const NeedsForPlane = (...scopes: Scope[]): CustomDecorator => SetMetadata(NEED, { scopes, of: 'plane' } satisfies Need);

/** For any key with the scope, whosever it is; the route itself shows each key only what is its own. */
export const NeedsKey = (...scopes: Scope[]): CustomDecorator => SetMetadata(NEED, { scopes, of: 'anybody' } satisfies Need);

/** No key at all. */
export const Public = (): CustomDecorator => SetMetadata(NEED, 'public');
