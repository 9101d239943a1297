import { Books } from './books.ts';
import { sendUntilAnswered } from './producer.ts';
import { startReceiver } from './receiver.ts';

const events = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `e${i}`, tenant: 't', type: 'a.b', data: '{"n":1.0}' }));

it('sends each event until it is accepted, as the bytes that it was given', async () => {
  let refusals = 5;
  const ingest = await startReceiver(({ body }) => ((refusals -= 1) >= 0 ? { status: 503 } : { status: 202, body: JSON.stringify({ id: `evt_${(JSON.parse(body.toString()) as { id: string }).id}` }) }));
  const books = new Books(() => []);
  await sendUntilAnswered({ url: ingest.url, key: 'k', events: events(20), connections: 4, onTried: books.tried });
  expect(books.totals()).toMatchObject({ attempted: 20, requests: 25, acknowledged: 20 });
  expect(ingest.requests[0]).toMatchObject({ method: 'POST', url: '/v1/events', headers: { authorization: 'Bearer k' } });
  expect(ingest.requests[0]?.body.toString()).toMatch(/^\{"tenant":"t","type":"a.b","id":"e\d+","data":\{"n":1.0\}\}$/);
  expect(ingest.connections).toBeLessThanOrEqual(4);
  await ingest.stop();
});

it('sends in batches, and again what was refused of one', async () => {
  let refusals = 3;
  const batches: number[] = [];
  const ingest = await startReceiver(({ body }) => {
    const sent = JSON.parse(body.toString()) as { id: string }[];
    batches.push(sent.length);
    const results = sent.map(({ id }) => ((refusals -= 1) >= 0 ? { status: 429, problem: {} } : { status: 202, id: `evt_${id}` }));
    return { status: results.every(({ status }) => status === 202) ? 202 : 207, body: JSON.stringify({ results }) };
  });
  const books = new Books(() => []);
  await sendUntilAnswered({ url: ingest.url, key: 'k', events: events(25), connections: 1, batchOf: 10, onTried: books.tried });
  expect(batches).toEqual([10, 3, 10, 5]);
  expect(books.totals()).toMatchObject({ attempted: 25, requests: 28, acknowledged: 25 });
  expect(ingest.requests[0]?.url).toBe('/v1/events/batch');
  await ingest.stop();
});

it('keeps its pace, and gives up when time is up', async () => {
  const ingest = await startReceiver(() => ({ status: 202, body: '{"id":"evt_1"}' }));
  const { url } = ingest;
  const startedAt = performance.now();
  await sendUntilAnswered({ url, key: 'k', events: events(20), ratePerSecond: 50, onTried: () => undefined });
  expect(performance.now() - startedAt).toBeGreaterThan(370); // the 20th is due after 380 ms; timers of Node may come 1 ms early
  await ingest.stop();
  await expect(sendUntilAnswered({ url, key: 'k', events: events(1), withinMs: 100, onTried: () => undefined })).rejects.toThrow('e0 was not answered in time; last: ECONNREFUSED');
});
