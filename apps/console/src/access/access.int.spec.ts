import { RequestMethod, type ExecutionContext, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { Reflector } from '@nestjs/core';
import { scopes, type KeyRing } from '@spillway/keys';
import { startConsoleAndBroker, type RunningConsole } from '../../test/running-console.ts';
import { controllers } from '../console.module.ts';
import { AccessGuard } from './access.guard.ts';
import { NEED, type Need } from './needs.ts';

type Route = { name: string; method: string; path: string; need: Need | 'public' | undefined };

const handlersOf = (controller: Type): Route[] =>
  Object.getOwnPropertyNames(controller.prototype).flatMap((name) => {
    const handler = (controller.prototype as Record<string, object>)[name] as object;
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined) return [];
    const path = `/${[Reflect.getMetadata(PATH_METADATA, controller), Reflect.getMetadata(PATH_METADATA, handler)].join('/')}`.replaceAll(/\/+/g, '/').replace(/(.)\/$/, '$1');
    const concrete = path.replace(':tenant', 'acme').replace(':type', 'invoice.paid').replace(':id', 'something');
    return [{ name: `${RequestMethod[method]} ${path}`, method: RequestMethod[method], path: concrete, need: Reflect.getMetadata(NEED, handler) as Route['need'] }];
  });

const routes = controllers.flatMap((controller) => handlersOf(controller as Type));
const guarded = routes.filter((route): route is Route & { need: Need } => typeof route.need === 'object');
const bodyOf = ({ method }: Route) => (['POST', 'PUT', 'PATCH'].includes(method) ? { body: {} } : {});

let running: RunningConsole;
let allOfOther: string;
beforeAll(async () => {
  running = await startConsoleAndBroker();
  allOfOther = await running.keyWith(scopes, 'other');
});
afterAll(() => running.stop());

it('knows every route, and each says what it needs', () => {
  expect(routes.length).toBeGreaterThanOrEqual(20);
  expect(routes.filter(({ need }) => need === undefined)).toEqual([]);
  expect(routes.filter(({ need }) => need === 'public').map(({ name }) => name)).toEqual(['GET /']);
});

describe.each(guarded)('$name', (route) => {
  const { method, path, need } = route;

  it('is closed without a key, and to a wrong one', async () => {
    for (const [key, challenge] of [
      [undefined, 'Bearer'],
      ['spk_0123456789abcdef_wrong', 'Bearer error="invalid_token"'],
    ] as const) {
      const { status, body, headers } = await running.call(method, path, { key, ...bodyOf(route) });
      expect([status, body['code'], headers.get('www-authenticate'), headers.get('content-type')]).toEqual([401, 'unauthenticated', challenge, expect.stringContaining('application/problem+json')]);
    }
  });

  it('is closed to a key without the scope, though it has every other', async () => {
    const key = await running.keyWith(scopes.filter((scope) => !need.scopes.includes(scope)));
    const { status, body } = await running.call(method, path, { key, ...bodyOf(route) });
    expect([status, body['code']]).toEqual([403, 'missing_scope']);
  });

});

describe.each(guarded.filter(({ need }) => need.of !== 'anybody'))('$name', (route) => {
  it('is closed to another tenant’s key, whatever it may do there', async () => {
    const { status, body } = await running.call(route.method, route.path, { key: allOfOther, ...bodyOf(route) });
    expect([status, body['code']]).toEqual([403, 'wrong_tenant']);
  });
});

// lists and keys are for every key with the scope: what each of them shows to whom is tested where they are made
describe.each(guarded.filter(({ need }) => need.of === 'anybody'))('$name', (route) => {
  it('shows nothing of another tenant', async () => {
    await running.keyWith(['events:write'], 'acme');
    await running.call('PUT', '/v1/tenants/acme', { body: {} });
    expect(JSON.stringify((await running.call(route.method, route.path, { key: allOfOther, ...bodyOf(route) })).body)).not.toContain('acme');
  });
});

it('keeps our own tenants to the admin key', async () => {
  const everything = await running.keyWith(scopes);
  const { status, body } = await running.call('GET', '/v1/tenants/_system/endpoints', { key: everything });
  expect([status, body['code']]).toEqual([403, 'wrong_tenant']);
  expect((await running.call('GET', '/v1/tenants/_system/endpoints')).status).toBe(200);
});

it('calls a tenant that can be none by its name', async () => {
  const { status, body } = await running.call('GET', '/v1/tenants/a.b/endpoints');
  expect([status, body['code'], body['errors']]).toMatchObject([422, 'invalid_request', [{ field: 'tenant' }]]);
});

it('lets nobody through a route that forgot to say what it needs', () => {
  const guard = new AccessGuard(new Reflector(), { authenticate: () => ({ id: 'admin', admin: true, scopes: new Set() }) } as unknown as KeyRing);
  const context = { getHandler: () => () => undefined, getClass: () => AccessGuard, switchToHttp: () => ({ getRequest: () => ({ headers: {}, params: {} }) }) } as unknown as ExecutionContext;
  expect(() => guard.canActivate(context)).toThrow(/does not say what it needs/);
});
