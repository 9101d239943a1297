import { bodyFormOf } from './body-form.ts';

const form = (type: string | undefined, route: '/v1/events' | '/v1/events/batch' = '/v1/events', encoding?: string): string => {
  try {
    return bodyFormOf(route, { 'content-type': type, 'content-encoding': encoding });
  } catch (error) {
    const { status, detail } = error as { status: number; detail: string };
    return `${status}: ${detail}`;
  }
};

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

  it('refuses a body that is packed', () => {
    expect(form('application/json', '/v1/events', 'gzip')).toMatch(/without content-encoding; seen: gzip/);
    expect(form('application/json', '/v1/events', 'identity')).toBe('event');
  });
});
