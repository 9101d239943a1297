import type { FailureKind } from '@spillway/contracts';
import { OutOfSockets } from './errors.ts';

/** Why there is no connection to send on: a value, carried through undici as an error, because that is what it takes. */
export class DialFailed extends Error {
  readonly code = 'SPILLWAY_DIAL_FAILED';
  constructor(
    readonly reason: FailureKind,
    /** Shown to tenants. So it is in our words: Node's messages hold the addresses that a name led to. */
    readonly detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}

const codeOf = (error: unknown): string => (error as { code?: unknown } | null)?.code?.toString() ?? 'unknown';

const OURS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

const dnsDetails: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name',
  ENODATA: 'the name has no address',
  ESERVFAIL: 'its name servers failed',
  ETIMEOUT: 'its name servers did not answer',
  EREFUSED: 'its name servers refused to answer',
  EBADNAME: 'not a name that DNS can hold',
  ECONNREFUSED: 'our name server is not there',
};

const connectFailures: Readonly<Record<string, readonly [FailureKind, string]>> = {
  ECONNREFUSED: ['refused', 'connection refused'],
  EHOSTUNREACH: ['refused', 'host unreachable'],
  ENETUNREACH: ['refused', 'network unreachable'],
  EADDRNOTAVAIL: ['refused', 'network unreachable'],
  ETIMEDOUT: ['timeout', 'no answer to the connection request'],
  ECONNRESET: ['reset', 'connection closed as soon as it was there'],
};

/** The codes of Node and OpenSSL are kept beside our words: they are what an operator of a receiver searches for. */
const tlsDetails: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate chain ends in an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate chain is incomplete or ends in an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate chain is incomplete or ends in an unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is for another host',
  ERR_SSL_WRONG_VERSION_NUMBER: 'no TLS there',
  EPROTO: 'no TLS there, or one we cannot speak',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'TLS 1.2 or newer is wanted',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'TLS 1.2 or newer is wanted',
  ECONNRESET: 'connection closed during the TLS handshake',
};

export const lookupFailed = (error: unknown): Error => {
  const code = codeOf(error);
  return OURS.has(code) ? new OutOfSockets({ cause: error }) : new DialFailed('dns_error', dnsDetails[code] ?? `the name could not be resolved (${code})`);
};

export const connectFailed = (error: unknown): Error => {
  const code = codeOf(error);
  if (OURS.has(code)) return new OutOfSockets({ cause: error });
  const [reason, detail] = connectFailures[code] ?? ['refused', `cannot connect (${code})`];
  return new DialFailed(reason, detail);
};

export const handshakeFailed = (error: unknown): Error => {
  const code = codeOf(error);
  return new DialFailed('tls_error', `${tlsDetails[code] ?? 'TLS handshake failed'} (${code})`);
};
