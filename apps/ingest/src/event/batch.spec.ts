import { ProblemError } from '@spillway/service-kit';
import * as fc from 'fast-check';
import { BATCH_EVENTS_MAX } from './batch-items.ts';
import { readArray, readLines, type Batch } from './batch.ts';
import { judgeEvent, readEnvelope, type Envelope } from './envelope.ts';
import { Slices } from './slices.ts';

const EVENT_BYTES_MAX = 2 ** 18;
const slices = new Slices();
const ofArray = (text: string | Buffer): Promise<Batch<Envelope>> => readArray(Buffer.from(text as string), judgeEvent, EVENT_BYTES_MAX, slices);
const ofLines = (text: string | Buffer): Promise<Batch<Envelope>> => readLines(Buffer.from(text as string), judgeEvent, EVENT_BYTES_MAX, slices);
const dataOf = (batch: Batch<Envelope>): unknown[] => batch.map((event) => (event instanceof ProblemError ? event.status : Buffer.from(event.data).toString()));

const gap = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const inline = fc.stringMatching(/^[ \t\r]{0,3}$/);
/** Numbers that no parser keeps, escapes, members called data, and whatever else is JSON. */
const json = fc.oneof(
  fc.json({ maxDepth: 5 }),
  fc.constantFrom('12345678901234567890', '1.0', '1e400', '-0', '"\\ud800"', '{"data":{"data":"]}"}}', '"],[{\\"data\\":1}"', '{"__proto__":{},"a":1,"a":2}', '"\\\\"', '"ä€𝄞"'),
);
const order = fc.shuffledSubarray(['"tenant":"acme"', '"type":"a.b"', 'DATA'], { minLength: 3, maxLength: 3 });

/** An event in some spelling, and its data. */
const written = (space: fc.Arbitrary<string>) =>
  fc.tuple(json, order, space, space, space).map(([data, members, a, b, c]) => ({
    data,
    text: `${a}{${b}${members.map((member) => (member === 'DATA' ? `"d\\u0061ta"${c}:${a}${data}${b}` : member)).join(`${c},${a}`)}${c}}${b}`,
  }));

describe('readArray', () => {
  it('cuts out of each event what its sender wrote, in any spelling', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(written(gap), { maxLength: 12 }), gap, async (events, around) => {
        const batch = await ofArray(`${around}[${events.map(({ text }) => text).join(',')}${around}]${around}`);
        expect(dataOf(batch)).toEqual(events.map(({ data }) => data));
      }),
      { numRuns: 500 },
    );
  });

  it('takes for an array exactly what JSON.parse takes for one, whatever the bytes', async () => {
    const good = '{"tenant":"acme","type":"a","data":1}';
    const scrap = fc.constantFrom('[', ']', '{', '}', ',', '"', '\\', ' ', good, '1', 'null', '"data"', ':', '[1,2]');
    const judged = { array: 0, other: 0 };
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.array(scrap, { maxLength: 8 }), fc.array(scrap, { maxLength: 8 }).map((parts) => ['[', ...parts, ']']), fc.array(fc.constantFrom(good, '[1]', '7', '"x"'), { maxLength: 4 }).map((parts) => [`[${parts.join(',')}]`])), async (parts) => {
        const text = parts.join('');
        const length = lengthOf(text);
        judged[length === undefined ? 'other' : 'array'] += 1;
        expect(await sizeOrRefused(text)).toBe(length ?? 'refused');
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(judged.array, judged.other)).toBeGreaterThan(200);
  });

  it('judges each event as it is judged alone', async () => {
    const part = fc.constantFrom('{"tenant":"acme","type":"a","data":1}', '{}', '{"tenant":"a.b","type":"a","data":1}', '7', '{"tenant":"acme","type":"a","data":1,"x":2}', `{"data":${'['.repeat(600)}${']'.repeat(600)}}`);
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
        expect((await ofArray(`[${parts.join(' , ')}]`)).map(toldOf)).toEqual(parts.map(alone));
      }),
      { numRuns: 200 },
    );
  });

  it('does not look into what is too large, and goes on behind it', async () => {
    const large = `{"tenant":"acme","type":"a","data":"${'x'.repeat(EVENT_BYTES_MAX)}"}`;
    expect(dataOf(await ofArray(`[${large},{"tenant":"acme","type":"a","data":2}]`))).toEqual([413, '2']);
  });

  it('stops at the first event too many, and at 4 MiB of brackets before it has built anything', async () => {
    await expect(ofArray(`[${'0,'.repeat(BATCH_EVENTS_MAX)}0]`)).rejects.toMatchObject({ status: 413, extra: { maxEvents: BATCH_EVENTS_MAX } });
    await expect(ofArray('['.repeat(4 * 2 ** 20))).rejects.toMatchObject({ status: 400, code: 'malformed_json' });
    expect(dataOf(await ofArray(`[${'['.repeat(2 ** 20)}${']'.repeat(2 ** 20)},{"tenant":"acme","type":"a","data":2}]`))).toEqual([413, '2']);
  });
});

describe('readLines', () => {
  it('cuts out of each line what its sender wrote, in any spelling', async () => {
    const events = fc.array(fc.oneof(written(inline), fc.constant(undefined)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(events, async (lines) => {
        const text = lines.map((line) => line?.text.replaceAll('\n', ' ') ?? ' \r').join('\n');
        expect(dataOf(await ofLines(text))).toEqual(lines.flatMap((line) => (line === undefined ? [] : line.data)));
      }),
      { numRuns: 500 },
    );
  });

  it('lets no line spoil another, however it is broken', async () => {
    const good = '{"tenant":"acme","type":"a","data":1}';
    const broken = fc.stringMatching(/^["\\{}[\],:a1]{1,20}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(broken, fc.constant(good)), { minLength: 1, maxLength: 8 }), async (lines) => {
        expect((await ofLines(lines.join('\n'))).map(toldOf)).toEqual(lines.map(alone));
      }),
      { numRuns: 1_000 },
    );
  });
});

const toldOf = (event: Envelope | ProblemError): unknown => (event instanceof ProblemError ? event.status : Buffer.from(event.data).toString());

const alone = (text: string): unknown => {
  try {
    return toldOf(readEnvelope(Buffer.from(text)));
  } catch (error) {
    return (error as ProblemError).status;
  }
};

const lengthOf = (text: string): number | undefined => {
  try {
    const parsed = JSON.parse(text) as unknown;
    return Array.isArray(parsed) ? parsed.length : undefined;
  } catch {
    return undefined;
  }
};

const sizeOrRefused = async (text: string): Promise<unknown> => {
  try {
    return (await ofArray(text)).length;
  } catch (error) {
    return [400, 422].includes((error as ProblemError).status) ? 'refused' : error;
  }
};
