import { ApiContract, type ApiDescription } from './api-contract.ts';

const problem = (...codes: string[]) => ({ 'application/problem+json': { schema: { allOf: [{}, { properties: { code: { enum: codes } } }] } } });
const api: ApiDescription = {
  paths: {
    '/v1/events': {
      post: { responses: { 202: { content: { 'application/json': { schema: {} } } }, 503: { headers: { 'retry-after': { required: true }, more: {} }, content: problem('full', 'away') } } },
      get: { responses: { 200: { content: { 'application/json': { schema: {} } } } } },
    },
  },
  'x-elsewhere': { 404: { headers: { 'retry-after': {} }, content: problem('not_found') } },
};
const contract = new ApiContract(api);
const post = { method: 'POST', path: '/v1/events' };
const json = { 'content-type': 'application/json; charset=utf-8' };
const told = { 'content-type': 'application/problem+json', 'retry-after': '5' };

it('lists every answer', () => {
  expect([...contract.answers()]).toEqual(['POST /v1/events 202', 'POST /v1/events 503 full', 'POST /v1/events 503 away', 'GET /v1/events 200']);
});

it('finds nothing wrong with what is documented', () => {
  expect(contract.fault(post, { status: 202, headers: json, body: '{}' })).toBeUndefined();
  expect(contract.fault(post, { status: 503, headers: told, body: '{"code":"away"}' })).toBeUndefined();
  expect(contract.fault({ method: 'HEAD', path: '/v1/events' }, { status: 200, headers: json, body: '' })).toBeUndefined();
  expect(contract.fault({ method: 'POST', path: '/else' }, { status: 404, headers: told, body: '{"code":"not_found"}' })).toBeUndefined();
  expect(contract.fault(undefined, { status: 404, headers: told, body: '{"code":"not_found"}' })).toBeUndefined();
});

it('finds a status, a code, a media type and a header, missing or there, that nobody documented', () => {
  expect(contract.fault(post, { status: 500, headers: told, body: '{"code":"internal"}' })).toContain('500');
  expect(contract.fault(post, { status: 503, headers: told, body: '{"code":"else"}' })).toBe('503 with the code else');
  expect(contract.fault(post, { status: 202, headers: { 'content-type': 'text/html' }, body: '' })).toBe('202 as text/html');
  expect(contract.fault(post, { status: 503, headers: { 'content-type': 'application/problem+json' }, body: '{"code":"away"}' })).toBe('503 without retry-after');
  expect(contract.fault(post, { status: 202, headers: { ...json, more: '1' }, body: '{}' })).toBe('202 with more');
  expect(contract.fault({ method: 'DELETE', path: '/v1/events' }, { status: 202, headers: json, body: '{}' })).toContain('202');
});
