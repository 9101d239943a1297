/** Tenants are NATS subject tokens. A leading `_` is kept for ourselves (`_system`, `_canary`). */
export const TENANT_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
export const OWN_TENANT_PATTERN = /^_[a-z]{1,30}$/;

/** Dotted, as Standard Webhooks has it ("full-stop delimited"): `invoice.paid`, `invoice.paid.v2`. At most 128 characters. */
export const EVENT_TYPE_PATTERN = /^(?=.{1,128}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** What an endpoint may ask for: `*` is one segment, `**` any number of them (also none). */
export const TYPE_FILTER_PATTERN = /^(?=.{1,128}$)([A-Za-z0-9_-]+|\*{1,2})(\.([A-Za-z0-9_-]+|\*{1,2}))*$/;

/** A producer's own id of an event, or its idempotency key. Well-formed Unicode only: half a surrogate pair has no UTF-8 form, and would become another id on the way. */
export const SOURCE_ID_PATTERN = /^[^\uD800-\uDFFF]{1,255}$/u;

export const EVENT_ID_PATTERN = /^evt_[A-Za-z0-9_-]{16,40}$/;
export const ENDPOINT_ID_PATTERN = /^ep_[A-Za-z0-9_-]{8,40}$/;

export const isTenant = (value: string): boolean => TENANT_PATTERN.test(value) || OWN_TENANT_PATTERN.test(value);
