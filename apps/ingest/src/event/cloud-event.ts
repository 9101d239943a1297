import { encodeHeaderValue, EVENT_TYPE_PATTERN, isRfc3339, isTenant, SOURCE_ID_PATTERN } from '@spillway/contracts';
import { invalidEvent, seen, type FieldFault } from '../problems.ts';
import type { Envelope } from './envelope.ts';
import type { Judge } from './event-text.ts';

/** As they came: by name, before anybody judged them. */
export type Attributes = ReadonlyMap<string, unknown>;

type Rule = { passes: (value: unknown) => boolean; wanted: string; isRequired?: true };

/** Other attributes travel as headers of each of the event's deliveries, so they have a bound; the CloudEvents specification asks nobody to carry more than 64 KiB in all. */
export const ATTRIBUTES_MAX_BYTES = 8 * 1024;

// CloudEvents 1.0.2, "Type System": a string holds no control characters and no half surrogate pairs
const TEXT = /^[^\p{Cc}\p{Cs}]+$/u;
const URI_REFERENCE = /^[^\s\p{Cc}\p{Cs}]{1,1024}$/u;
const EXTENSION_NAME = /^[a-z0-9]+$/;
export const JSON_MEDIA_TYPE = /^(?:application|text)\/(?:[\w!#$&^.+-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i;

const text = (pattern: RegExp) => (value: unknown) => typeof value === 'string' && pattern.test(value);

/** The attributes that the specification names, and `tenant`, an extension of ours. */
const RULES: Readonly<Record<string, Rule>> = {
  specversion: { passes: (value) => value === '1.0', wanted: 'the string "1.0"', isRequired: true },
  id: { passes: text(SOURCE_ID_PATTERN), wanted: 'a string: 1 to 255 characters of well-formed Unicode', isRequired: true },
  source: { passes: text(URI_REFERENCE), wanted: 'a string: a URI reference of at most 1024 characters', isRequired: true },
  type: { passes: text(EVENT_TYPE_PATTERN), wanted: 'a string: dotted segments of A-Z a-z 0-9 _ -, like com.example.invoice.paid, at most 128 characters', isRequired: true },
  time: { passes: isRfc3339, wanted: 'a string: an RFC 3339 time, like 2026-11-22T10:00:00Z' },
  datacontenttype: { passes: text(JSON_MEDIA_TYPE), wanted: 'application/json or another JSON media type: receivers get JSON' },
  subject: { passes: text(TEXT), wanted: 'a string that is not empty, without control characters' },
  dataschema: { passes: text(URI_REFERENCE), wanted: 'a string: a URI of at most 1024 characters' },
  tenant: { passes: (value) => typeof value === 'string' && isTenant(value), wanted: 'a string: 1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit' },
  data_base64: { passes: () => false, wanted: 'no such member: receivers get JSON, so data is JSON and stands in data' },
};

const isExtension = (value: unknown): boolean => typeof value === 'boolean' || Number.isSafeInteger(value) || (typeof value === 'string' && (value === '' || TEXT.test(value)));

const faultOf = (name: string, value: unknown): FieldFault | undefined => {
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (rule) return rule.passes(value) ? undefined : { field: name, wanted: rule.wanted, seen: seen(value) };
  if (!EXTENSION_NAME.test(name)) return { field: name, wanted: 'an attribute name: a-z and 0-9 only', seen: seen(value) };
  return isExtension(value) ? undefined : { field: name, wanted: 'a string without control characters, an integer or a boolean', seen: seen(value) };
};

const faultsOf = (attributes: Attributes): FieldFault[] => {
  const faults: FieldFault[] = [];
  for (const [name, value] of attributes) {
    const fault = faultOf(name, value);
    if (fault) faults.push(fault);
  }
  for (const [name, { isRequired, wanted }] of Object.entries(RULES)) if (isRequired && !attributes.has(name)) faults.push({ field: name, wanted });
  return faults;
};

/** Read by name, and carried as what they mean; `datacontenttype` says what every body of ours is. */
const CARRIED_OTHERWISE: ReadonlySet<string> = new Set(['specversion', 'id', 'source', 'type', 'time', 'tenant', 'datacontenttype']);

const others = (attributes: Attributes): [string, string][] => [...attributes].flatMap(([name, value]) => (CARRIED_OTHERWISE.has(name) ? [] : [[name, String(value)] as [string, string]]));

const NO_DATA = Buffer.from('null');

/** @param keyTenant of the key, for an event that names none. @throws ProblemError 422 with every fault named */
export const envelopeOf = (attributes: Attributes, data: Uint8Array | undefined, keyTenant: string | undefined): Envelope => {
  const faults = faultsOf(attributes);
  const tenant = (attributes.get('tenant') as string | undefined) ?? keyTenant;
  if (tenant === undefined) faults.push({ field: 'tenant', wanted: 'an extension attribute: the key is of no tenant' });
  const carried = faults.length > 0 ? [] : others(attributes);
  const bytes = carried.reduce((sum, [name, value]) => sum + name.length + encodeHeaderValue(value).length, 0);
  if (bytes > ATTRIBUTES_MAX_BYTES) faults.push({ field: 'attributes', wanted: `at most ${ATTRIBUTES_MAX_BYTES} bytes of subject, dataschema and extensions, percent-encoded`, seen: `${bytes} bytes` });
  if (tenant === undefined || faults.length > 0) throw invalidEvent(faults);
  const [type, id, source, time] = ['type', 'id', 'source', 'time'].map((name) => attributes.get(name)) as [string, string, string, string | undefined];
  // data is optional; without any, receivers get null
  return { tenant, type, id, time, data: data ?? NO_DATA, cloud: { source, attributes: carried, bytes } };
};

/** The JSON event format: attributes and `data` are members of one object. */
export const judgeCloudEvent =
  (keyTenant: string | undefined): Judge<Envelope> =>
  (event, data) => {
    // "null" is unset (JSON event format 1.0.2, section 2.1); `data` is no attribute
    const attributes = Object.entries(event).filter(([name, value]) => name !== 'data' && value !== null);
    return envelopeOf(new Map(attributes), data, keyTenant);
  };
