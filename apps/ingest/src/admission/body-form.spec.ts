import { bodyFormOf, isPacked } from './body-form.ts';

const form = (type: string | undefined, route: '/v1/events' | '/v1/events/batch' = '/v1/events'): string => {
  try {
    return bodyFormOf(route, { 'content-type': type });
  } catch (error) {
    const { status, detail } = error as { status: number; detail: string };
    return `${status}: ${detail}`;
  }
};

const binary = (type: string | undefined): string => bodyFormOf('/v1/events', { 'content-type': type, 'ce-specversion': '1.0' });

describe('bodyFormOf', () => {
  it.each(['application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'application/json; charset=utf8'])('takes %s', (type) => {
    expect(form(type)).toBe('event');
    expect(form(type, '/v1/events/batch')).toBe('array');
  });

  it.each(['application/x-ndjson', 'application/ndjson; charset=utf-8', 'application/jsonl'])('takes lines as %s, where batches go', (type) => {
    expect(form(type, '/v1/events/batch')).toBe('lines');
    expect(form(type)).toMatch(/^415: /);
  });

  it.each([undefined, '', 'text/plain', 'application/jsonp', 'application/json; charset=utf-16', 'application/json; charset=iso-8859-1', 'application/x-www-form-urlencoded'])(
    'refuses %s, naming what is taken',
    (type) => {
      expect(form(type)).toMatch(/^415: wanted content-type: application\/json/);
      expect(form(type, '/v1/events/batch')).toMatch(/^415: wanted content-type: application\/json or application\/x-ndjson/);
    },
  );

  it('takes CloudEvents in each of their modes', () => {
    expect(form('application/cloudevents+json; charset=UTF-8')).toBe('cloudevent');
    expect(form('application/cloudevents-batch+json')).toBe('cloudevents');
    expect(form('application/cloudevents-batch+json', '/v1/events/batch')).toBe('cloudevents');
    expect(form('application/cloudevents+json', '/v1/events/batch')).toMatch(/^415: /);
    for (const type of [undefined, 'application/json', 'text/json; charset=utf-8', 'application/vnd.acme.invoice+json']) expect(binary(type)).toBe('cloudevent-binary');
    expect(binary('application/cloudevents+json')).toBe('cloudevent');
    for (const type of ['text/plain', 'application/xml', 'application/octet-stream', 'application/cloudevents+avro']) expect(() => binary(type)).toThrow('wanted content-type');
    expect(bodyFormOf('/v1/events', { 'content-type': 'application/json', 'ce-id': '1' })).toBe('cloudevent-binary');
    expect(bodyFormOf('/v1/events/batch', { 'content-type': 'application/json', 'ce-id': '1' })).toBe('array');
  });

  it.each([[undefined, false], ['identity', false], ['gzip', true], ['GZIP', true], ['x-gzip', true]])('takes a body packed as %s', (encoding, packed) => {
    expect(isPacked('/v1/events', { 'content-encoding': encoding })).toBe(packed);
  });

  it.each(['br', 'deflate', 'zstd', 'gzip, gzip', ''])('refuses one packed as "%s"', (encoding) => {
    expect(() => isPacked('/v1/events', { 'content-encoding': encoding })).toThrow('wanted content-encoding: gzip, or none');
  });
});
