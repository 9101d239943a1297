import { withoutFailing, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import type { ChangeEndpointDto, CreateEndpointDto } from './endpoint.dto.ts';

const settings = ['types', 'description', 'headers', 'maxInFlight', 'ratePerSecond', 'ordered', 'timeoutSeconds', 'schedule', 'uid', 'metadata'] as const;

/** A new endpoint as it was asked for; `null` is the default, like what is not said. */
export const draftOf = (dto: CreateEndpointDto): EndpointDraft => ({
  url: dto.url,
  enabled: dto.enabled ?? true,
  ...Object.fromEntries(settings.filter((name) => dto[name] !== undefined && dto[name] !== null).map((name) => [name, dto[name]])),
});

const sameValue = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The names of what a change would make different, in this order; nothing when it says what stands already. */
export const changedFields = (current: EndpointRecord, dto: ChangeEndpointDto): string[] =>
  (['url', ...settings, 'enabled'] as const).filter((name) => dto[name] !== undefined && !sameValue(dto[name] ?? undefined, current[name]));

/** The same object back when nothing changes: then nothing is written, and no fact is told. Enabling takes away why it was disabled, and since when it failed; another address has not failed yet. */
export const changed = (current: EndpointRecord, dto: ChangeEndpointDto, at: string): EndpointRecord => {
  const fields = changedFields(current, dto);
  if (fields.length === 0) return current;
  const isNew = fields.includes('url') || (fields.includes('enabled') && dto.enabled === true);
  const next: Record<string, unknown> = { ...(isNew ? withoutFailing(current) : current), updatedAt: at };
  for (const field of fields) {
    const value = dto[field as keyof ChangeEndpointDto];
    if (value === null) delete next[field];
    else next[field] = value;
  }
  if (fields.includes('enabled') && dto.enabled === true) delete next['disabledReason'];
  if (fields.includes('enabled') && dto.enabled === false) next['disabledReason'] = 'requested';
  return next as EndpointRecord;
};
