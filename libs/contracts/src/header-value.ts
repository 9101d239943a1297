/** Space, the double quote, percent, and all that is not printable ASCII: CloudEvents HTTP binding 1.0.2, section 3.1.3.2, which the NATS binding shares. */
const ENCODED = /[^\x21\x23\x24\x26-\x7e]+/gu;

/** An attribute's text as a header has it. @throws URIError for half a surrogate pair, which has no UTF-8 form */
export const encodeHeaderValue = (text: string): string => text.replace(ENCODED, encodeURIComponent);

/** @throws URIError when what is encoded is no UTF-8 */
export const decodeHeaderValue = (value: string): string => (value.includes('%') ? decodeURIComponent(value) : value);
