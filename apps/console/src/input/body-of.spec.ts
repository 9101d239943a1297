import 'reflect-metadata';
import { ChangeEndpointDto, CreateEndpointDto } from '../endpoints/endpoint.dto.ts';
import { permittedHeaders, permittedSecret, permittedUrl } from '../endpoints/endpoint-rules.ts';
import { EventTypeDto } from '../event-types/event-type.dto.ts';
import { CreateKeyDto } from '../keys/key.dto.ts';
import { TenantSettingsDto } from '../tenants/tenant.dto.ts';
import { urlRules } from '@spillway/webhook-client';
import { BodyOf } from './body-of.ts';
import { endpointChangeNotYet, endpointNotYet, tenantNotYet } from './not-yet.ts';

type Refusal = { status: number; code: string; detail: string; errors: { field: string; wanted: string }[] };
const refusal = (act: () => unknown): Refusal => {
  try {
    act();
  } catch (error) {
    const { status, code, detail, extra } = error as { status: number; code: string; detail: string; extra: { errors: Refusal['errors'] } };
    return { status, code, detail, errors: extra.errors };
  }
  throw new Error('was taken');
};
const fieldsOf = (act: () => unknown): string[] => refusal(act).errors.map(({ field }) => field);

const url = 'https://example.com/hook';
const create = new BodyOf(CreateEndpointDto, endpointNotYet);
const change = new BodyOf(ChangeEndpointDto, endpointChangeNotYet);

describe('the body of a new endpoint', () => {
  it('is taken with everything that may be set', () => {
    const body = { url, types: ['invoice.*', '**'], description: 'x', headers: { 'x-a': 'b' }, maxInFlight: 5, timeoutSeconds: 15, enabled: false, uid: 'crm.1', metadata: { a: 'b' }, secret: 'whsec_x' };
    expect(create.transform(body)).toEqual(body);
    expect(create.transform({ url })).toEqual({ url });
  });

  it.each([
    [{}, ['url']],
    [{ url: 5 }, ['url']],
    [{ url: null }, ['url']],
    [{ url, types: [] }, ['types']],
    [{ url, types: 'invoice.*' }, ['types']],
    [{ url, types: ['invoice.paid', 'invoice paid'] }, ['types']],
    [{ url, types: ['a', 'a'] }, ['types']],
    [{ url, types: Array.from({ length: 101 }, (_, n) => `t${n}`) }, ['types']],
    [{ url, types: [5] }, ['types']],
    [{ url, maxInFlight: 0 }, ['maxInFlight']],
    [{ url, maxInFlight: 513 }, ['maxInFlight']],
    [{ url, maxInFlight: 1.5 }, ['maxInFlight']],
    [{ url, maxInFlight: '5' }, ['maxInFlight']],
    [{ url, timeoutSeconds: 61 }, ['timeoutSeconds']],
    [{ url, enabled: 'yes' }, ['enabled']],
    [{ url, enabled: null }, ['enabled']],
    [{ url, uid: 'ep_mine' }, ['uid']],
    [{ url, uid: 'a/b' }, ['uid']],
    [{ url, headers: [] }, ['headers']],
    [{ url, headers: { a: 1 } }, ['headers']],
    [{ url, metadata: { a: { b: 'c' } } }, ['metadata']],
    [{ url, metadata: { a: 'x'.repeat(501) } }, ['metadata']],
    [{ url, description: 'x'.repeat(501) }, ['description']],
    [{ url, secret: 5 }, ['secret']],
    [{ url, colour: 'red', constructor: 1, toString: null }, ['colour', 'constructor', 'toString']],
    [{ url: 5, enabled: 5, colour: 5 }, ['colour', 'url', 'enabled']],
  ])('is refused: %#', (body, fields) => {
    const { status, code } = refusal(() => create.transform(body));
    expect([status, code]).toEqual([422, 'invalid_request']);
    expect(fieldsOf(() => create.transform(body)).toSorted()).toEqual(fields.toSorted());
  });

  it.each([undefined, null, [], 'text', 5, true])('%j is no body', (body) => {
    expect(fieldsOf(() => create.transform(body))).toEqual(['body']);
  });

  it('lists a bounded number of faults, and cuts a field’s name', () => {
    const body = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}${'x'.repeat(200)}`, n]));
    const { errors } = refusal(() => create.transform(body));
    expect(errors).toHaveLength(20);
    expect(Math.max(...errors.map(({ field }) => field.length))).toBeLessThan(100);
  });
});

describe('what comes in a later version', () => {
  it.each(['ed25519', 'internal'])('%s is refused by name, whatever its value', (field) => {
    expect(refusal(() => create.transform({ url, [field]: false }))).toMatchObject({ status: 422, code: 'not_yet', errors: [{ field }] });
    expect(refusal(() => change.transform({ [field]: null }))).toMatchObject({ code: 'not_yet', errors: [{ field }] });
  });

  it('is a tenant’s retention, and replacing a secret', () => {
    expect(fieldsOf(() => new BodyOf(TenantSettingsDto, tenantNotYet).transform({ ratePerSecond: 1, share: 0.5, retentionDays: 3 }))).toEqual(['retentionDays']);
    expect(refusal(() => change.transform({ secret: 'whsec_x' })).code).toBe('not_yet');
  });
});

describe('rates and shares', () => {
  it('are numbers that mean something', () => {
    const tenant = new BodyOf(TenantSettingsDto);
    const key = new BodyOf(CreateKeyDto);
    expect(tenant.transform({ ratePerSecond: 0.5, share: 1 })).toEqual({ ratePerSecond: 0.5, share: 1 });
    expect(key.transform({ scopes: ['events:write'], ratePerSecond: 100 })).toMatchObject({ ratePerSecond: 100 });
    for (const ratePerSecond of [0, -1, '5', 1e9]) {
      expect(fieldsOf(() => tenant.transform({ ratePerSecond }))).toEqual(['ratePerSecond']);
      expect(fieldsOf(() => key.transform({ scopes: ['events:write'], ratePerSecond }))).toEqual(['ratePerSecond']);
    }
    for (const share of [0, -1, 1.1, '0.5']) expect(fieldsOf(() => tenant.transform({ share }))).toEqual(['share']);
  });
});

describe('a change of an endpoint', () => {
  it('may be empty, and may take settings back', () => {
    expect(change.transform({})).toEqual({});
    expect(change.transform({ types: null, uid: null, headers: null, maxInFlight: null })).toEqual({ types: null, uid: null, headers: null, maxInFlight: null });
    expect(fieldsOf(() => change.transform({ url: null }))).toEqual(['url']);
  });
});

describe('keys, tenants, event types', () => {
  it.each([
    [{}, ['scopes']],
    [{ scopes: [] }, ['scopes']],
    [{ scopes: ['events:write', 'everything'] }, ['scopes']],
    [{ scopes: ['events:write'], tenant: 'a.b' }, ['tenant']],
    [{ scopes: ['events:write'], tenant: '_system' }, ['tenant']],
    [{ scopes: ['events:write'], expiresAt: '2020-01-01T00:00:00Z' }, ['expiresAt']],
    [{ scopes: ['events:write'], expiresAt: 'tomorrow' }, ['expiresAt']],
  ])('the key %j is refused with %j', (body, fields) => {
    expect(fieldsOf(() => new BodyOf(CreateKeyDto).transform(body))).toEqual(fields);
  });

  it('bounds what a tenant and an event type may hold', () => {
    expect(fieldsOf(() => new BodyOf(TenantSettingsDto).transform({ maxEndpoints: 1_001 }))).toEqual(['maxEndpoints']);
    expect(fieldsOf(() => new BodyOf(EventTypeDto).transform({ description: '', example: 'x'.repeat(40_000), schema: [] }))).toEqual(['description', 'example', 'schema']);
    expect(new BodyOf(EventTypeDto).transform({ description: 'x', example: null })).toEqual({ description: 'x', example: null });
  });
});

describe('what only rules can tell', () => {
  const rules = urlRules({ allowNetworks: [], allowHttp: false });

  it('refuses a URL that must not be dialled, and says why without dialling', () => {
    for (const bad of ['http://example.com/', 'https://127.0.0.1/', 'https://localhost/', 'https://user:pass@example.com/', 'https://example.com:22/', 'ftp://example.com', 'nonsense']) {
      expect(refusal(() => permittedUrl(bad, rules))).toMatchObject({ status: 422, code: 'forbidden_url', errors: [{ field: 'url' }] });
    }
    expect(permittedUrl(url, rules)).toBe(url);
    expect(permittedUrl('http://127.0.0.1:9999/x', urlRules({ allowNetworks: ['127.0.0.0/8'], allowHttp: false }))).toBe('http://127.0.0.1:9999/x');
  });

  it('refuses headers that are ours, and a secret that is none, never showing it', () => {
    expect(fieldsOf(() => permittedHeaders({ 'webhook-id': 'x' }))).toEqual(['headers']);
    const bad = refusal(() => permittedSecret('whsec_dG9vIHNob3J0'));
    expect([bad.errors[0]?.field, JSON.stringify(bad).includes('dG9v')]).toEqual(['secret', false]);
    expect(permittedSecret(undefined)).toMatch(/^whsec_/);
  });
});
