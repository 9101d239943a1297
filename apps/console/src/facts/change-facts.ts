import type { Fact } from '@spillway/contracts';
import type { EndpointRecord } from '@spillway/endpoints';

type EndpointFact = Extract<Fact, { type: 'endpoint.created' | 'endpoint.changed' | 'endpoint.disabled' | 'endpoint.deleted' }>;

const said = ({ id, tenant }: EndpointRecord, by: string, at: string) => ({ v: 1 as const, at, tenant, endpoint: id, by });

export const createdFact = (record: EndpointRecord, by: string, at: string): EndpointFact => ({ type: 'endpoint.created', ...said(record, by, at) });

export const deletedFact = (record: EndpointRecord, by: string, at: string): EndpointFact => ({ type: 'endpoint.deleted', ...said(record, by, at) });

/** Being disabled is a fact of its own, beside whatever else the same request changed; nothing changed, nothing said. */
export const changeFacts = (before: EndpointRecord, after: EndpointRecord, fields: readonly string[], by: string, at: string): EndpointFact[] => {
  const disabled = before.enabled && !after.enabled;
  const others = disabled ? fields.filter((field) => field !== 'enabled') : [...fields];
  const facts: EndpointFact[] = [];
  if (others.length > 0) facts.push({ type: 'endpoint.changed', ...said(after, by, at), changed: others });
  if (disabled) facts.push({ type: 'endpoint.disabled', ...said(after, by, at), reason: after.disabledReason ?? 'requested' });
  return facts;
};
