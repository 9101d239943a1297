import type { IncomingHttpHeaders } from 'node:http';
import { allows, type KeyRing, type Principal } from '@spillway/keys';
import { brokerUnavailable, ingestFull, missingScope, payloadTooLarge, tenantQuota, unauthenticated, unsupportedMediaType } from '../problems.ts';
import type { TenantShares } from '../share/tenant-shares.ts';
import type { InFlight } from './in-flight.ts';
import type { KeyLimit, KeyRates } from './key-rates.ts';
import { mediaTypeFault } from './media-type.ts';

export type FrontDoorParts = {
  keys: Pick<KeyRing, 'authenticate' | 'state'>;
  inFlight: InFlight;
  shares: Pick<TenantShares, 'assertRoom'>;
  rates: KeyRates;
  maxEventBytes: number;
  /** Why nothing can be stored right now; `undefined`: it can. */
  brokerFault: () => string | undefined;
};

/** Who may go on sending, how much, and what to call when its answer is out. */
export type Admitted = { principal: Principal; bytesMax: number; leave: () => void; /** Of the key, if it has one; one event was taken from it. */ limit: KeyLimit | undefined };

/** What is asked of a request before a byte of its body is read: whose it is, whether it may send at all, how large it says to be, and whether there is room for it. */
export class FrontDoor {
  constructor(private readonly parts: FrontDoorParts) {}

  /** @throws ProblemError 401, 403, 413, 415, 429, 503 */
  admit(headers: IncomingHttpHeaders): Admitted {
    const principal = this.authenticated(headers.authorization);
    const fault = mediaTypeFault(headers);
    if (fault !== undefined) throw unsupportedMediaType(fault);
    const bytesMax = this.parts.maxEventBytes;
    const limit = this.parts.rates.of(principal);
    limit?.assertOne();
    return { principal, bytesMax, limit, leave: this.enter(headers, bytesMax, principal.tenant) };
  }

  private authenticated(authorization: string | undefined): Principal {
    const { keys } = this.parts;
    const principal = keys.authenticate(authorization);
    if (!principal) {
      // a key ring that has not seen all keys does not know a wrong one
      if (authorization !== undefined && !keys.state.ready) throw brokerUnavailable(`keys cannot be looked up: ${keys.state.why ?? 'not ready'}`);
      throw unauthenticated(authorization !== undefined);
    }
    if (!allows(principal, 'events:write')) throw missingScope('events:write');
    return principal;
  }

  private enter(headers: IncomingHttpHeaders, bytesMax: number, tenant: string | undefined): () => void {
    const { inFlight, shares, brokerFault } = this.parts;
    // without a length (chunked) it may come to the limit
    const bytes = Number(headers['content-length'] ?? bytesMax);
    if (bytes > bytesMax) throw payloadTooLarge(bytesMax);
    const fault = brokerFault();
    if (fault !== undefined) throw brokerUnavailable(fault);
    // whose key is of one tenant is told of its share now: a flood that is refused costs next to nothing
    if (tenant !== undefined) shares.assertRoom(tenant, bytes);
    const leave = inFlight.enter(bytes, tenant);
    if (leave === 'full') throw ingestFull('as many requests are being answered as this process holds in memory');
    if (leave === 'owner_full') throw tenantQuota(`as many requests of tenant ${String(tenant)} are being answered as one tenant may have at once`, 'requests_in_flight');
    return leave;
  }
}
