import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { eventually } from '@spillway/testing';
import { headOf, startRig, type Answer, type Rig } from '../test/rig.ts';

const MIB = 2 ** 20;
const GZIP = { 'content-encoding': 'gzip' };

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ env: { SPILLWAY_DOOR_IDS: '0' } }); // what is sent again is looked for in the stream
});
afterAll(() => rig.stop());

const event = (tenant: string, data = '1.0'): string => `{"tenant":"${tenant}","type":"a.b","data":${data}}`;
const told = ({ status, problem }: Answer): unknown[] => [status, problem.code];

/** So many times 64 MiB of nothing, packed a thousandfold. Members of gzip stand behind each other, so one is enough to be made. */
const bomb = (times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => MEMBER));
const MEMBER = gzipSync(Buffer.alloc(64 * MIB, 0x20));

describe('a packed body', () => {
  it.each([
    ['one event', '/v1/events', (tenant: string) => event(tenant), 'application/json'],
    ['an array', '/v1/events/batch', (tenant: string) => `[${event(tenant)}]`, 'application/json'],
    ['lines', '/v1/events/batch', (tenant: string) => `${event(tenant)}\n`, 'application/x-ndjson'],
    ['a CloudEvent', '/v1/events', (tenant: string) => `{"specversion":"1.0","id":"1","source":"/s","type":"a.b","tenant":"${tenant}","data":1.0}`, 'application/cloudevents+json'],
  ])('of %s is taken as if it were not packed', async (what, path, body, type) => {
    const tenant = `gz-${what.replaceAll(' ', '-')}`;
    expect((await rig.post(gzipSync(body(tenant)), { ...GZIP, 'content-type': type }, path)).status).toBe(202);
    const chunked = new ReadableStream({
      start: (to) => {
        for (const byte of gzipSync(body(tenant))) to.enqueue(Buffer.from([byte]));
        to.close();
      },
    });
    expect((await rig.post(chunked, { 'content-encoding': 'X-GZIP', 'content-type': type }, path)).status).toBe(202);
    expect((await rig.all(tenant)).map((stored) => stored.body.replace(/^.*"data":/, ''))).toEqual(['1.0}', '1.0}']);
  });

  it('may come in several members, and may be as large as one that is not packed, however little it shrinks', async () => {
    const halves = [event('gz-members').slice(0, 20), event('gz-members').slice(20)];
    expect((await rig.post(Buffer.concat(halves.map((half) => gzipSync(half))), GZIP)).status).toBe(202);
    const noise = Array.from({ length: 2 ** 18 - event('gz-large', '""').length }, (_, n) => String.fromCharCode(35 + ((n * 7919 + (n >> 3) * 104_729) % 57))).join('');
    const largest = event('gz-large', `"${noise}"`);
    expect(largest.length).toBe(2 ** 18);
    expect((await rig.post(gzipSync(largest, { level: 0 }), GZIP)).status).toBe(202);
    expect(told(await rig.post(gzipSync(`${largest} `, { level: 0 }), GZIP))).toEqual([413, 'payload_too_large']);
  });

  it.each([
    ['cut off', gzipSync(event('gz-bad')).subarray(0, 40)],
    ['cut off in its checksum', gzipSync(event('gz-bad')).subarray(0, -3)],
    ['damaged', Buffer.from(gzipSync(event('gz-bad').repeat(10))).fill(0xff, 20, 40)],
    ['of the wrong checksum', Buffer.concat([gzipSync(event('gz-bad')).subarray(0, -8), Buffer.alloc(8)])],
    ['no gzip at all', Buffer.from(event('gz-bad'))],
    ['nothing', Buffer.alloc(0)],
  ])('that is %s is 400, and nothing of it is stored', async (_, body) => {
    expect(told(await rig.post(body, GZIP))).toEqual([400, 'malformed_encoding']);
    expect(await rig.all('gz-bad')).toEqual([]);
  });

  it('that is no JSON once unpacked is malformed like any other', async () => {
    expect(told(await rig.post(gzipSync('{'), GZIP))).toEqual([400, 'malformed_json']);
  });
});

describe('a bomb', () => {
  it('is stopped at the limit: memory does not grow by what it would become', async () => {
    const [single, batch] = [bomb(4), bomb(60)];
    expect([single.length < 2 ** 18 + 4_096, batch.length < 4 * MIB]).toEqual([true, true]);
    const before = process.memoryUsage().rss;
    let highest = 0;
    const watching = setInterval(() => (highest = Math.max(highest, process.memoryUsage().rss)), 5);
    try {
      const answers = await Promise.all([
        ...Array.from({ length: 20 }, () => rig.post(single, GZIP)),
        ...Array.from({ length: 8 }, () => rig.post(batch, GZIP, '/v1/events/batch')),
      ]);
      expect(new Set(answers.map((answer) => String(told(answer))))).toEqual(new Set(['413,payload_too_large']));
      expect(new Set(answers.map(({ problem }) => problem['maxBytes']))).toEqual(new Set([2 ** 18, 4 * MIB]));
    } finally {
      clearInterval(watching);
    }
    // inflated they are 35 GiB; what is held of them is 20 × 256 KiB and 8 × 4 MiB, and twice as they came: here is the client, too
    expect(highest - before).toBeLessThan(512 * MIB);
  });

  it('counts in memory as large as it may become, until it is done with, also when its client is gone', async () => {
    const small = await startRig({ env: { SPILLWAY_MAX_BYTES_IN_FLIGHT: String(MIB) } });
    try {
      const packed = gzipSync(event('gz', `"${'x'.repeat(200_000)}"`));
      const half = connect(Number(new URL(small.url).port), '127.0.0.1').on('error', () => undefined);
      half.write(headOf(`content-length: ${packed.length}`, 'content-encoding: gzip'));
      const bytes = async (): Promise<number> => Number(/^spillway_ingest_in_flight_bytes (\d+)/m.exec(await (await fetch(`${small.url}/metrics`)).text())?.[1]);
      await eventually(async () => expect(await bytes()).toBe(packed.length + 2 ** 18));
      half.end(packed);
      await eventually(async () => expect(await small.count()).toBe(1));
      half.destroy();
      await eventually(async () => expect(await bytes()).toBe(0));
    } finally {
      await small.stop();
    }
  });
});
