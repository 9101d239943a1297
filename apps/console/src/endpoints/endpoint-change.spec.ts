import type { EndpointRecord } from '@spillway/endpoints';
import { changeFacts } from '../facts/change-facts.ts';
import { changed, changedFields, draftOf } from './endpoint-change.ts';

const AT = '2026-01-02T00:00:00.000Z';
const record: EndpointRecord = {
  id: 'ep_00000001',
  tenant: 'acme',
  url: 'https://example.com/',
  types: ['invoice.*'],
  maxInFlight: 5,
  enabled: true,
  secrets: [],
  state: 'active',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};

describe('a new endpoint', () => {
  it('is enabled, and has nothing that was not said or was said to be null', () => {
    expect(draftOf({ url: 'https://example.com/', types: null, uid: 'crm' })).toEqual({ url: 'https://example.com/', enabled: true, uid: 'crm' });
    expect(draftOf({ url: 'https://example.com/', enabled: false })).toEqual({ url: 'https://example.com/', enabled: false });
  });
});

describe('a change', () => {
  it('touches what it names and nothing else, and null takes a setting back', () => {
    expect(changed(record, { maxInFlight: null, description: 'theirs' }, AT)).toEqual({ ...record, maxInFlight: undefined, description: 'theirs', updatedAt: AT });
  });

  it('is none when all of it stands there already', () => {
    expect(changed(record, { types: ['invoice.*'], enabled: true, description: null }, AT)).toBe(record);
    expect(changedFields(record, { types: ['invoice.*'], enabled: true, description: null })).toEqual([]);
  });

  it('says why an endpoint is disabled, and forgets it and its failing when it is enabled', () => {
    const disabled = changed(record, { enabled: false }, AT);
    expect(disabled).toMatchObject({ enabled: false, disabledReason: 'requested' });
    const enabled = changed({ ...disabled, disabledReason: 'gone', failingSince: AT }, { enabled: true }, AT);
    expect([enabled.enabled, 'disabledReason' in enabled, 'failingSince' in enabled]).toEqual([true, false, false]);
  });

  it('of the address begins anew: what failed was the other one', () => {
    const failing: EndpointRecord = { ...record, failingSince: AT, failingTold: 1, failedWith: { kind: 'refused' } };
    const moved = changed(failing, { url: 'https://example.org/' }, AT);
    expect(['failingSince' in moved, 'failingTold' in moved, 'failedWith' in moved]).toEqual([false, false, false]);
    expect(changed(failing, { description: 'x' }, AT)).toMatchObject({ failingSince: AT, failingTold: 1 });
  });

  it('is told as facts: what was changed, and that it was disabled', () => {
    const dto = { enabled: false, description: 'x' };
    const facts = changeFacts(record, changed(record, dto, AT), changedFields(record, dto), 'admin', AT);
    expect(facts).toEqual([
      { type: 'endpoint.changed', v: 1, at: AT, tenant: 'acme', endpoint: record.id, by: 'admin', changed: ['description'] },
      { type: 'endpoint.disabled', v: 1, at: AT, tenant: 'acme', endpoint: record.id, by: 'admin', reason: 'requested' },
    ]);
    expect(changeFacts(record, record, [], 'admin', AT)).toEqual([]);
    const again = changed({ ...record, enabled: false }, { enabled: true }, AT);
    expect(changeFacts({ ...record, enabled: false }, again, ['enabled'], 'admin', AT)).toMatchObject([{ type: 'endpoint.changed', changed: ['enabled'] }]);
  });
});
