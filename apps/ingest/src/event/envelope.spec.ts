import * as fc from 'fast-check';
import { readEnvelope } from './envelope.ts';
import { NESTING_MAX } from './event-text.ts';
import { deliveryBody } from './body.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const event = (data: string, rest = ''): Buffer => bytes(`{"tenant":"acme","type":"invoice.paid",${rest}"data":${data}}`);
const dataOf = (raw: Buffer): string => Buffer.from(readEnvelope(raw).data).toString();
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const outcome = (raw: Buffer): unknown => {
  try {
    return JSON.parse(dataOf(raw)) === undefined ? 'no JSON' : 'read';
  } catch (error) {
    return (error as { status?: number }).status;
  }
};

/** What the sender is told; fails when nothing is refused. */
const refusal = (raw: Buffer): { status: number; code: string; detail: string; errors: { field: string; wanted: string; seen?: string }[] } => {
  try {
    readEnvelope(raw);
  } catch (error) {
    const { status, code, detail, extra } = error as { status: number; code: string; detail: string; extra?: { errors?: [] } };
    return { status, code, detail, errors: extra?.errors ?? [] };
  }
  throw new Error(`not refused: ${raw.toString('utf8', 0, 200)}`);
};
const fields = (raw: Buffer): string[] => refusal(raw).errors.map(({ field }) => field);

describe('readEnvelope', () => {
  it('reads the fields, and gives data as bytes', () => {
    const read = readEnvelope(event('{"a":1}', '"id":"order-1","time":"2026-11-22T10:00:00Z",'));
    expect({ ...read, data: Buffer.from(read.data).toString() }).toEqual({
      tenant: 'acme',
      type: 'invoice.paid',
      id: 'order-1',
      time: '2026-11-22T10:00:00Z',
      data: '{"a":1}',
    });
  });

  it.each([
    '12345678901234567890',
    '1.0',
    '1e400',
    '-0',
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{}}}',
    '{"a":1,"a":2}',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0041\\/"',
    '"ä€𝄞"',
    'null',
    'false',
    '""',
    '{ "a" : [ 1 , 2 ] }',
    '{"data":{"data":"}"},"tenant":"other"}',
    '"a \\" , \\\\"',
    '"\\\\"',
  ])('keeps %s byte for byte', (data) => {
    expect(dataOf(event(data))).toBe(data);
  });

  it('leaves white space around the value behind, as it is no part of it', () => {
    expect(dataOf(bytes(' {\r\n"tenant" : "acme",\t"data"\n:\n 1.0 \n,"type":"a"} '))).toBe('1.0');
  });

  it('takes the last of several members of one name, as JSON.parse does, whatever way its name is spelled', () => {
    expect(dataOf(event('1', '"data":2,'))).toBe('1');
    expect(dataOf(bytes('{"tenant":"acme","type":"a","data":1,"d\\u0061ta":2}'))).toBe('2');
    expect(readEnvelope(bytes('{"tenant":"acme","tenant":"other","type":"a","data":1}')).tenant).toBe('other');
  });

  it('cuts out what the sender wrote, for any JSON value in any spelling', () => {
    const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
    const unknownOrder = fc.shuffledSubarray(['"tenant":"acme"', '"type":"a.b"', 'DATA'], { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.boolean(), unknownOrder, space, (json, pretty, members, gap) => {
        const data = pretty ? JSON.stringify(JSON.parse(json), null, 2) : json;
        const raw = bytes(`{${gap}${members.map((member) => (member === 'DATA' ? `"data":${gap}${data}${gap}` : member)).join(`${gap},${gap}`)}}`);
        expect(dataOf(raw)).toBe(data);
      }),
      { numRuns: 500 },
    );
  });

  it('finds the end of long strings, whatever is escaped in them', () => {
    const text = fc.array(fc.constantFrom('x', '"', '\\', '\\\\', 'ü', '",', '":{'), { maxLength: 200, size: 'max' }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const data = JSON.stringify(before);
        const { data: found } = readEnvelope(Buffer.from(`{"tenant":"acme","type":"a","data":${data},"id":${JSON.stringify(`i${after}`.slice(0, 255))}}`));
        expect(Buffer.from(found).toString()).toBe(data);
      }),
    );
  });

  it('never breaks, whatever the bytes: it reads them or says 400 or 422', () => {
    const scrap = fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '"data"', '"tenant":"acme"', '"type":"a"', '1', ' ', '\\u00', 'ä', '\u0000');
    const text = fc.array(scrap, { maxLength: 40 }).map((parts) => bytes(parts.join('')));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), text), (raw) => {
        expect(['read', 400, 422]).toContain(outcome(Buffer.from(raw)));
      }),
      { numRuns: 2_000 },
    );
  });

  describe('refuses as malformed', () => {
    it.each([
      ['nothing', ''],
      ['half an object', '{"tenant":"acme"'],
      ['a trailing comma', '{"tenant":"acme",}'],
      ['two values', '{} {}'],
      ['NaN', '{"tenant":"acme","type":"a","data":NaN}'],
      ['a raw line break in a string', '{"tenant":"ac\nme","type":"a","data":1}'],
      ['a byte order mark', '\uFEFF{"tenant":"acme","type":"a","data":1}'],
      ['a string that never ends', '{"tenant":"acme","data":"'],
      ['a string that ends in its escape', '{"tenant":"acme","data":"\\'],
    ])('%s', (_, text) => {
      expect(refusal(bytes(text))).toMatchObject({ status: 400, code: 'malformed_json' });
    });

    it('bytes that are no UTF-8', () => {
      const raw = Buffer.concat([bytes('{"tenant":"acme","type":"a","data":"'), Buffer.from([0xed, 0xa0, 0x80]), bytes('"}')]);
      expect(refusal(raw)).toMatchObject({ status: 400, code: 'malformed_json', detail: 'the body is not UTF-8' });
    });
  });

  describe('refuses as invalid, naming the field', () => {
    it.each(['[]', '"x"', '1', 'null', 'true'])('a body that is %s', (text) => {
      expect(refusal(bytes(text))).toMatchObject({ status: 422, code: 'invalid_event', errors: [{ field: 'body', wanted: 'a JSON object' }] });
    });

    it('each missing field, all at once', () => {
      expect(refusal(bytes('{}'))).toMatchObject({ status: 422, code: 'invalid_event' });
      expect(fields(bytes('{}')).toSorted()).toEqual(['data', 'tenant', 'type']);
    });

    it('each unknown field, also one called __proto__', () => {
      expect(fields(event('1', '"__proto__":{"admin":true},"Data":2,"source":"x",'))).toEqual(['__proto__', 'Data', 'source']);
      expect(Object.getPrototypeOf({})).not.toHaveProperty('admin');
    });

    it.each([
      ['tenant', '{"tenant":7,"type":"a","data":1}', '7'],
      ['tenant', '{"tenant":null,"type":"a","data":1}', 'null'],
      ['tenant', '{"tenant":"a.b","type":"a","data":1}', '"a.b"'],
      ['tenant', '{"tenant":"*","type":"a","data":1}', '"*"'],
      ['tenant', '{"tenant":"ü","type":"a","data":1}', '"ü"'],
      ['tenant', '{"tenant":"","type":"a","data":1}', '""'],
      ['tenant', '{"tenant":"acme\\n","type":"a","data":1}', '"acme\\n"'],
      ['tenant', '{"tenant":["acme"],"type":"a","data":1}', 'an array'],
      ['type', '{"tenant":"acme","type":{"a":1},"data":1}', 'an object'],
      ['type', '{"tenant":"acme","type":"a..b","data":1}', '"a..b"'],
      ['type', '{"tenant":"acme","type":"invoice.*","data":1}', '"invoice.*"'],
      ['type', '{"tenant":"acme","type":"a\\"b","data":1}', '"a\\"b"'],
      ['id', '{"tenant":"acme","type":"a","id":7,"data":1}', '7'],
      ['id', '{"tenant":"acme","type":"a","id":null,"data":1}', 'null'],
      ['id', '{"tenant":"acme","type":"a","id":"","data":1}', '""'],
      ['id', '{"tenant":"acme","type":"a","id":"\\ud800","data":1}', '"\\ud800"'],
      ['time', '{"tenant":"acme","type":"a","time":"yesterday","data":1}', '"yesterday"'],
      ['time', '{"tenant":"acme","type":"a","time":1763806800,"data":1}', '1763806800'],
      ['time', '{"tenant":"acme","type":"a","time":null,"data":1}', 'null'],
    ])('%s of %s', (field, text, seen) => {
      expect(refusal(bytes(text))).toMatchObject({ status: 422, code: 'invalid_event', errors: [{ field, seen }] });
    });

    it('an id of 256 characters, and not one of 255', () => {
      expect(readEnvelope(event('1', `"id":"${'𝄞'.repeat(255)}",`)).id).toHaveLength(510);
      expect(fields(event('1', `"id":"${'a'.repeat(256)}",`))).toEqual(['id']);
    });

    it('data nested deeper than allowed, and not one level less', () => {
      expect(dataOf(event(nested(NESTING_MAX)))).toHaveLength(2 * NESTING_MAX);
      expect(refusal(event(nested(NESTING_MAX + 1)))).toMatchObject({ status: 422, code: 'invalid_event', errors: [{ field: 'data' }] });
    });

    it('130,000 brackets without touching the stack, closed or not', () => {
      expect(fields(event(nested(130_000)))).toEqual(['data']);
      expect(fields(bytes(`{"data":${'{"a":'.repeat(50_000)}`))).toEqual(['data']);
      expect(fields(bytes('['.repeat(260_000)))).toEqual(['body']);
    });

    it('tens of thousands of unknown fields in an answer that stays short', () => {
      const many = Array.from({ length: 20_000 }, (_, i) => `"unknown${i}":1,`).join('');
      const { errors, detail } = refusal(event('1', many));
      expect(errors).toHaveLength(20);
      expect(detail).toContain('and 19980 more');
      expect(JSON.stringify(refusal(event('1', `"${'x'.repeat(100_000)}":"${'y'.repeat(100_000)}",`))).length).toBeLessThan(1_000);
    });
  });
});

describe('deliveryBody', () => {
  it('is the Standard Webhooks body around the bytes of data', () => {
    expect(deliveryBody('invoice.paid', '2026-11-22T10:00:00Z', bytes('{"n":12345678901234567890}')).toString()).toBe(
      '{"type":"invoice.paid","timestamp":"2026-11-22T10:00:00Z","data":{"n":12345678901234567890}}',
    );
  });
});
