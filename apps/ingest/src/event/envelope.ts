import { PublishEventDto } from '@spillway/contracts';
import { validateSync } from 'class-validator';
import { invalidEvent, seen, type FieldFault } from '../problems.ts';
import { compileRules } from './compiled-rules.ts';
import { readWhole, type Judge } from './event-text.ts';

/** What a producer sent, judged: the few fields that we read, and `data` as the bytes it came in. */
export type Envelope = { tenant: string; type: string; id?: string; time?: string; data: Uint8Array; cloud?: CloudPart };
/** What only a CloudEvent has; `bytes` is what its attributes weigh in headers. */
export type CloudPart = { source: string; attributes: [name: string, value: string][]; bytes: number };

const FIELDS: ReadonlySet<string> = new Set(['tenant', 'type', 'id', 'time']);

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

/** An event in our own form: `tenant`, `type`, `data`, and perhaps `id` and `time`. @throws ProblemError 422 with every fault named */
export const judgeEvent: Judge<Envelope> = (event, data) => {
  const dto = new PublishEventDto();
  const faults = [...pick(event, dto as unknown as Record<string, unknown>), ...faultsOf(dto)];
  if (data === undefined) faults.push({ field: 'data', wanted: 'any JSON value' });
  if (data === undefined || faults.length > 0) throw invalidEvent(faults);
  const { tenant, type, id, time } = dto;
  return { tenant, type, id, time, data };
};

/**
 * Bytes to envelope.
 * @throws ProblemError 400 malformed_json, 422 invalid_event with every fault named
 */
export const readEnvelope = (raw: Buffer): Envelope => readWhole(raw, judgeEvent);
