import { isUtf8 } from 'node:buffer';
import { PublishEventDto } from '@spillway/contracts';
import { validateSync } from 'class-validator';
import { compileRules } from './compiled-rules.ts';
import { findMember, type ByteRange } from './json-member.ts';
import { invalidEvent, malformedJson, seen, type FieldFault } from '../problems.ts';

/** What a producer sent, judged: the few fields that we read, and `data` as the bytes it came in. */
export type Envelope = { tenant: string; type: string; id?: string; time?: string; data: Uint8Array };

/** Of `data`; a scalar has 0. Receivers' parsers recurse, most of them to some thousands; 512 is deeper than anybody's invoice. */
export const NESTING_MAX = 512;

const FIELDS: ReadonlySet<string> = new Set(['tenant', 'type', 'id', 'time']);

const parsed = (raw: Buffer): unknown => {
  // Buffer.toString would put U+FFFD for what is no UTF-8, and the judge would see another text than the receivers
  if (!isUtf8(raw)) throw malformedJson('the body is not UTF-8');
  try {
    return JSON.parse(raw.toString());
  } catch (error) {
    throw malformedJson(raw.length === 0 ? 'the body is empty' : `the body is not JSON: ${(error as SyntaxError).message}`);
  }
};

/** Copies the fields we read; whatever else is there is a fault. `__proto__` is a name like any other: JSON.parse makes it an own property. */
const pick = (body: Record<string, unknown>, dto: Record<string, unknown>): FieldFault[] => {
  const faults: FieldFault[] = [];
  for (const name of Object.keys(body)) {
    if (FIELDS.has(name)) dto[name] = body[name];
    else if (name !== 'data') faults.push({ field: name, wanted: 'no such field', seen: seen(body[name]) });
  }
  return faults;
};

const passes = compileRules(PublishEventDto);

const faultsOf = (dto: PublishEventDto): FieldFault[] => {
  if (passes(dto)) return [];
  return validateSync(dto).map(({ property, value, constraints }) => ({
    field: property,
    wanted: Object.values(constraints ?? {}).join(', '),
    ...(value === undefined ? {} : { seen: seen(value) }),
  }));
};

const judged = (body: unknown, data: ByteRange | undefined): PublishEventDto => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalidEvent([{ field: 'body', wanted: 'a JSON object', seen: seen(body) }]);
  const dto = new PublishEventDto();
  const faults = [...pick(body as Record<string, unknown>, dto as unknown as Record<string, unknown>), ...faultsOf(dto)];
  if (data === undefined) faults.push({ field: 'data', wanted: 'any JSON value' });
  if (faults.length > 0) throw invalidEvent(faults);
  return dto;
};

/**
 * Bytes to envelope. JSON.parse is the judge of what is JSON; where `data` lies is found by a scan of the bytes, so that 12345678901234567890, 1.0, 1e400,
 * duplicate keys and `__proto__` leave as they came.
 * @throws ProblemError 400 malformed_json, 422 invalid_event with every fault named
 */
export const readEnvelope = (raw: Buffer): Envelope => {
  const { range, tooDeepIn } = findMember(raw, 'data', NESTING_MAX);
  if (tooDeepIn !== undefined) throw invalidEvent([{ field: tooDeepIn || 'body', wanted: `nesting of at most ${NESTING_MAX}` }]);
  const { tenant, type, id, time } = judged(parsed(raw), range);
  return { tenant, type, id, time, data: raw.subarray(range?.start, range?.end) };
};
