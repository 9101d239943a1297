import { eventIdOf, readIdempotencyKey } from './event-id.ts';

describe('eventIdOf', () => {
  it('is the same for the same tenant and key, for ever', () => {
    expect(eventIdOf('acme', 'k', undefined)).toBe(eventIdOf('acme', 'k', undefined));
    expect(eventIdOf('acme', 'k', undefined)).not.toBe(eventIdOf('other', 'k', undefined));
  });

  it('takes the header before the id of the event', () => {
    expect(eventIdOf('acme', 'k', 'id')).toBe(eventIdOf('acme', 'k', undefined));
    expect(eventIdOf('acme', undefined, 'id')).not.toBe(eventIdOf('acme', 'k', undefined));
  });

  it('is another one each time without either', () => {
    expect(eventIdOf('acme', undefined, undefined)).not.toBe(eventIdOf('acme', undefined, undefined));
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
