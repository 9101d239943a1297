import { X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const readable = (pem: string, at: number): string => {
  try {
    return new X509Certificate(pem).toString();
  } catch (cause) {
    throw new RangeError(`certificate ${at + 1} of the extra CA cannot be read: wanted X.509 in PEM`, { cause });
  }
};

/** OpenSSL would skip what it cannot read, and every attempt would fail instead of the start. */
const certificatesIn = (pem: string): string[] => {
  const found = pem.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new RangeError('extra CA holds no certificate: wanted PEM, BEGIN CERTIFICATE to END CERTIFICATE');
  return found.map(readable);
};

/**
 * Whom we believe: the authorities that Node does, and those of the deployment beside them. One context for all connections, since reading some
 * 140 certificates takes milliseconds. TLS 1.2 at least (RFC 8996 retired the ones before).
 * @throws RangeError when the extra authorities cannot be read
 */
export const trust = (extraCa?: string | Buffer): SecureContext => {
  const ca = extraCa === undefined ? undefined : [...getCACertificates('default'), ...certificatesIn(extraCa.toString())];
  return createSecureContext({ minVersion: 'TLSv1.2', ca });
};
