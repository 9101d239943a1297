import { RawClient } from '@spillway/testing';
import { headOf, startRig, type Rig } from '../../test/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.stop());

const eventOf = (bytes: number): string => {
  const empty = '{"tenant":"pieces","type":"a","data":""}';
  return empty.replace('""', JSON.stringify(Array.from({ length: bytes - empty.length }, (_, n) => String.fromCharCode(97 + (n % 26))).join('')));
};
const dataOf = (body: string): string => (JSON.parse(body) as { data: string }).data;
const chunked = (text: string, size: number): string => `${text.match(new RegExp(`.{1,${size}}`, 'gs'))?.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;

it.each([1, 7, 1_000, 200_000])('a body in chunks of %d bytes is stored as it was', async (size) => {
  const event = eventOf(100_000);
  const client = new RawClient(rig.url).say(`${headOf('connection: close', 'transfer-encoding: chunked')}${chunked(event, size)}`);
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 202 /);
  expect(dataOf((await rig.newest('pieces')).body)).toBe(dataOf(event));
});

it.each([262_144, 262_145])('a body of %d bytes, in chunks of one, is taken up to the limit and no further', async (bytes) => {
  const client = new RawClient(rig.url).say(`${headOf('connection: close', 'transfer-encoding: chunked')}${chunked(eventOf(bytes), 1)}`);
  expect(await client.closed()).toMatch(bytes > 262_144 ? /^HTTP\/1\.1 413 / : /^HTTP\/1\.1 202 /);
});

it('a body of announced length that comes in many writes is stored as it was', async () => {
  const event = eventOf(200_000);
  const client = new RawClient(rig.url).say(headOf('connection: close', `content-length: ${event.length}`));
  for (let at = 0; at < event.length; at += 5_000) client.say(event.slice(at, at + 5_000));
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 202 /);
  expect(dataOf((await rig.newest('pieces')).body)).toBe(dataOf(event));
});
