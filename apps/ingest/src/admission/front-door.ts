import type { IncomingHttpHeaders } from 'node:http';
import type { ProblemError } from '@spillway/service-kit';
import { allows, type KeyRing, type Principal } from '@spillway/keys';
import { brokerUnavailable, ingestFull, missingScope, payloadTooLarge, tenantQuota, unauthenticated } from '../problems.ts';
import type { TenantShares } from '../share/tenant-shares.ts';
import { bodyFormOf, isBatch, isPacked, type BodyForm, type Route } from './body-form.ts';
import type { InFlight, NoPlace, Place } from './in-flight.ts';
import type { KeyLimit, KeyRates } from './key-rates.ts';

export type FrontDoorParts = {
  keys: Pick<KeyRing, 'authenticate' | 'state'>;
  inFlight: InFlight;
  shares: Pick<TenantShares, 'assertRoom'>;
  rates: KeyRates;
  maxEventBytes: number;
  /** Why nothing can be stored right now; `undefined`: it can. */
  brokerFault: () => string | undefined;
};

/** Who sends, in which form, and how much at the most. */
export type Caller = { principal: Principal; form: BodyForm; bytesMax: number; /** As it comes. */ wire: Wire; /** Of the key, if it has one. */ limit: KeyLimit | undefined };

/** Who may go on sending, and was charged one event; its place is left when its answer is out. */
export type Admitted = { caller: Caller; place: Place };

/** How a body comes: packed or not, and how many bytes of it are read at the most. */
export type Wire = { isPacked: boolean; bytesMax: number };

/** What deflate adds to bytes that it cannot make fewer: 5 for each 16 KiB, and its head and tail. */
const PACKED_MORE_BYTES = 4 * 1024;
/** Deflate's own bound: 258 bytes out of 2 bits. */
const INFLATED_MAX = 1_032;

/** A batch may have as many bytes as one group of the publisher (outside of bulk): 1,000 events of 4 KiB, or 16 of the largest. */
export const BATCH_BYTES_MAX = 4 * 2 ** 20;

/** Why there is no place in memory. */
export const noPlace = (why: NoPlace, tenant: string | undefined, quota: 'requests_in_flight' | 'events_in_flight'): ProblemError =>
  why === 'full'
    ? ingestFull('as many events are being read or answered as this process holds in memory')
    : tenantQuota(`as many ${quota === 'requests_in_flight' ? 'requests' : 'events'} of tenant ${String(tenant)} are being answered as one tenant may have at once`, quota);

/**
 * What is asked of a request before a byte of its body is read: whose it is, whether it may send at all, how large it says to be, and whether there is room for it.
 * In two steps: from the second on its rate is charged, and every answer, also of the second itself, says how much is left.
 */
export class FrontDoor {
  constructor(private readonly parts: FrontDoorParts) {}

  /** @throws ProblemError 401, 403, 415, 503 */
  identify(route: Route, headers: IncomingHttpHeaders): Caller {
    const principal = this.authenticated(headers.authorization);
    const form = bodyFormOf(route, headers);
    const bytesMax = isBatch(form) ? BATCH_BYTES_MAX : this.parts.maxEventBytes;
    const packed = isPacked(route, headers);
    const wire = { isPacked: packed, bytesMax: packed ? bytesMax + PACKED_MORE_BYTES : bytesMax };
    return { principal, form, bytesMax, wire, limit: this.parts.rates.of(principal) };
  }

  /** @throws ProblemError 413, 429, 503 */
  admit(caller: Caller, headers: IncomingHttpHeaders): Admitted {
    caller.limit?.assertOne();
    return { caller, place: this.enter(caller, headers) };
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

  private enter({ principal: { tenant }, bytesMax, wire }: Caller, headers: IncomingHttpHeaders): Place {
    const { inFlight, shares, maxEventBytes, brokerFault } = this.parts;
    // without a length (chunked) it may come to the limit
    const announced = Number(headers['content-length'] ?? wire.bytesMax);
    if (announced > wire.bytesMax) throw payloadTooLarge(bytesMax);
    // what was packed lies in memory twice: as it came, and as large as it may become
    const bytes = wire.isPacked ? announced + Math.min(INFLATED_MAX * announced, bytesMax) : announced;
    const fault = brokerFault();
    if (fault !== undefined) throw brokerUnavailable(fault);
    // whose key is of one tenant is told of its share now: a flood that is refused costs next to nothing. Of a batch some events may still find room
    if (tenant !== undefined) shares.assertRoom(tenant, Math.min(bytes, maxEventBytes));
    const place = inFlight.enter(bytes, tenant);
    if (typeof place === 'string') throw noPlace(place, tenant, 'requests_in_flight');
    return place;
  }
}
