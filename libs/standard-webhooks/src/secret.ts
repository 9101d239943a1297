import { randomBytes } from 'node:crypto';

/** Says which kind of key it is; verifying libraries cut it off before they decode. */
const PREFIX = 'whsec_';

/** Standard Webhooks, "Signature scheme": between 24 bytes (192 bits) and 64 bytes (512 bits). */
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** As long as what SHA-256 gives: a longer key adds nothing to HMAC-SHA256 (RFC 2104, 3). */
const OWN_BYTES = 32;

const WANTED = `wanted ${PREFIX} and the base64 of ${MIN_BYTES} to ${MAX_BYTES} bytes`;

export const newSecret = (): string => `${PREFIX}${randomBytes(OWN_BYTES).toString('base64')}`;

/**
 * The key bytes of a secret, ours or one that a customer brought along. Strict: what is decoded here in another way than by the customer's
 * library would give signatures that nobody can verify.
 * @throws RangeError that says what is wrong and what is wanted, and never the secret itself
 */
export const parseSecret = (text: string): Buffer => {
  if (!text.startsWith(PREFIX)) throw new RangeError(`secret without ${PREFIX} at its front: ${WANTED}`);
  const encoded = text.slice(PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  // Buffer skips what is not base64 and takes base64url for base64: only what comes back the same was meant so
  if (key.toString('base64') !== encoded) throw new RangeError(`secret is not base64 with its padding: ${WANTED}`);
  if (key.length < MIN_BYTES || key.length > MAX_BYTES) throw new RangeError(`secret of ${key.length} bytes: ${WANTED}`);
  return key;
};
