import { header } from '@spillway/contracts';
import * as fc from 'fast-check';
import { encodePage, linesSaid, pageHeaders, readPage, type Line } from './page.ts';
import { encodeHeaders, headerText, RawHeaders } from './raw-headers.ts';

const lineOf = (id: string, body: Uint8Array | string): Line => {
  const headers = headerText([['ce-id', id]]);
  return { headers, headerBytes: Buffer.byteLength(headers), data: Buffer.from(body) };
};
const said = (lines: ReturnType<typeof readPage>) => lines?.map(({ headers, data }) => [headers.get('ce-id'), Buffer.from(data)]);

it('gives back what was put on it, whatever the bodies are', () => {
  const body = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.array(body, { minLength: 1, maxLength: 30 }), (bodies) => {
      const page = encodePage(bodies.map((bytes, i) => lineOf(`evt_${i}`, bytes)));
      expect(said(readPage(bodies.length, page))).toEqual(bodies.map((bytes, i) => [`evt_${i}`, Buffer.from(bytes)]));
    }),
  );
});

it('counts bytes, not characters', () => {
  expect(said(readPage(2, encodePage([lineOf('evt_Größe 😀', '{"ü":1}'), lineOf('evt_2', '{}')])))).toEqual([
    ['evt_Größe 😀', Buffer.from('{"ü":1}')],
    ['evt_2', Buffer.from('{}')],
  ]);
});

it('can be read by people', () => {
  expect(encodePage([lineOf('evt_1', '{"a":1}'), lineOf('evt_2', '{}')]).toString()).toBe('26 7\nNATS/1.0\r\nce-id: evt_1\r\n\r\n{"a":1}\n26 2\nNATS/1.0\r\nce-id: evt_2\r\n\r\n{}\n');
});

it('says in its headers how many it holds, and no other message does', () => {
  expect(linesSaid(new RawHeaders(encodeHeaders(pageHeaders(12))))).toBe(12);
  expect(linesSaid(new RawHeaders(encodeHeaders([[header.eventId, 'evt_1']])))).toBeUndefined();
});

const sound = encodePage([lineOf('evt_1', '{"a":1}'), lineOf('evt_2', '{}')]);
it.each([
  ['an empty one', 0, Buffer.alloc(0)],
  ['one that holds fewer than it says', 3, sound],
  ['one that holds more than it says', 1, sound],
  ['one of more than a thousand', 1_001, encodePage(Array.from({ length: 1_001 }, (_, n) => lineOf(`evt_${n}`, '1')))],
  ['one that was cut off', 2, sound.subarray(0, -1)],
  ['one that was cut off within a number', 2, sound.subarray(0, 1)],
  ['one with a length that is no number', 2, Buffer.from(sound.toString().replace('26 7', '2x 7'))],
  ['one with a length that goes beyond it', 2, Buffer.from(sound.toString().replace('26 7', '26 99999999999999999999'))],
  ['one whose lengths are wrong', 2, Buffer.from(sound.toString().replace('26 7', '26 6'))],
  ['any other text', 1, Buffer.from('{"type":"a.b"}')],
])('%s is none', (_what, count, bytes) => expect(readPage(count, bytes)).toBeUndefined());

it('never reads beyond its end, whatever it is given', () => {
  fc.assert(
    fc.property(fc.nat(sound.length - 1), fc.nat(255), (at, byte) => {
      const changed = Buffer.from(sound);
      changed[at] = byte;
      const lines = readPage(2, changed);
      for (const { data } of lines ?? []) expect(data.byteOffset + data.byteLength).toBeLessThanOrEqual(changed.byteOffset + changed.byteLength);
    }),
  );
});
