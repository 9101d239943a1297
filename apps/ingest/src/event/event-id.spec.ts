import { eventIdOf, readIdempotencyKey } from './event-id.ts';

const cloud = (source: string) => ({ source, attributes: [], bytes: 0 });

describe('eventIdOf', () => {
  it('is the same for the same tenant and key, for ever', () => {
    expect(eventIdOf({ tenant: 'acme' }, 'k')).toBe(eventIdOf({ tenant: 'acme' }, 'k'));
    expect(eventIdOf({ tenant: 'acme' }, 'k')).not.toBe(eventIdOf({ tenant: 'other' }, 'k'));
  });

  it('takes the header before the id of the event, also of a CloudEvent', () => {
    expect(eventIdOf({ tenant: 'acme', id: 'id' }, 'k')).toBe(eventIdOf({ tenant: 'acme' }, 'k'));
    expect(eventIdOf({ tenant: 'acme', id: 'id', cloud: cloud('/a') }, 'k')).toBe(eventIdOf({ tenant: 'acme' }, 'k'));
    expect(eventIdOf({ tenant: 'acme', id: 'id' }, undefined)).not.toBe(eventIdOf({ tenant: 'acme', id: 'id' }, 'k'));
  });

  it('knows a CloudEvent by its source and id together', () => {
    const one = { tenant: 'acme', id: '1', cloud: cloud('/a') };
    expect(eventIdOf(one, undefined)).toBe(eventIdOf({ ...one }, undefined));
    expect(new Set([one, { ...one, cloud: cloud('/b') }, { ...one, cloud: cloud('/a1'), id: '' }, { ...one, cloud: undefined }].map((event) => eventIdOf(event, undefined))).size).toBe(4);
  });

  it('is another one each time without either', () => {
    expect(eventIdOf({ tenant: 'acme' }, undefined)).not.toBe(eventIdOf({ tenant: 'acme' }, undefined));
  });
});

describe('readIdempotencyKey', () => {
  it('gives the text as it stands, or nothing', () => {
    expect(readIdempotencyKey(undefined)).toBeUndefined();
    expect(readIdempotencyKey('"8e03978e"')).toBe('"8e03978e"');
    expect(readIdempotencyKey('x'.repeat(255))).toHaveLength(255);
  });

  it.each([[''], ['x'.repeat(256)], [['a', 'b']]])('refuses %j', (value) => {
    expect(() => readIdempotencyKey(value)).toThrow(expect.objectContaining({ status: 422, code: 'invalid_event' }));
  });
});
