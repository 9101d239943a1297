import { Books } from './books.ts';
import type { ToSend } from './producer.ts';

const event = (id: string, type = 'a'): ToSend => ({ id, tenant: 't', type, data: '1' });
const arrival = (id: string, endpoint: string, at: number) => ({ url: `/${endpoint}`, headers: { 'webhook-id': id }, at });
const accepted = (books: Books, sent: ToSend) => books.tried({ event: sent, answer: { status: 202, headers: {}, body: JSON.stringify({ id: `evt_${sent.id}` }) }, tookMs: 1 });
const toBoth = () => new Books(() => ['x', 'y']);

it('balances when everything acknowledged came once', () => {
  const books = toBoth();
  accepted(books, event('1'));
  for (const endpoint of ['x', 'y']) books.arrived(arrival('evt_1', endpoint, 1));
  expect(books.totals()).toEqual({ attempted: 1, requests: 1, acknowledged: 1, owed: 2, delivered: 2, lost: 0, duplicates: 0, unexplained: 0, strange: 0 });
});

it('names what is lost, of the endpoint that did not get it', () => {
  const books = toBoth();
  accepted(books, event('1'));
  books.arrived(arrival('evt_1', 'x', 1));
  expect(books.missing()).toEqual([{ event: 'evt_1', endpoint: 'y' }]);
  expect(books.totals()).toMatchObject({ owed: 2, delivered: 1, lost: 1 });
});

it('counts on what was written past the producer', () => {
  const books = toBoth();
  books.written('evt_1', event('1'));
  books.arrived(arrival('evt_1', 'x', 1));
  expect(books.totals()).toMatchObject({ requests: 0, acknowledged: 1, owed: 2, delivered: 1, lost: 1, strange: 0 });
});

it('does not count on what was not acknowledged', () => {
  const books = toBoth();
  books.tried({ event: event('1'), error: 'ECONNREFUSED', tookMs: 3 });
  books.tried({ event: event('1'), answer: { status: 503, headers: {}, body: '{}' }, tookMs: 2 });
  expect(books.totals()).toMatchObject({ attempted: 1, requests: 2, acknowledged: 0, owed: 0, lost: 0 });
  expect([...books.answers]).toEqual([['ECONNREFUSED', 1], ['503', 1]]);
});

it('finds strange what nobody owed', () => {
  const books = new Books(({ type }) => [type]);
  accepted(books, event('1', 'x'));
  books.arrived(arrival('evt_1', 'x', 1));
  books.arrived(arrival('evt_1', 'y', 1));
  books.arrived(arrival('evt_2', 'x', 1));
  expect(books.totals()).toMatchObject({ delivered: 1, strange: 2 });
});

it('excuses a duplicate only by a fault at which its first was in flight or just settled', () => {
  const books = new Books(() => ['x']);
  const over = books.fault('kill', 'the moment');
  const fault = books.faults[0]!;
  over();
  for (const [id, firstAt] of [['in time', fault.atMs - 2_900], ['too early', fault.atMs - 3_100], ['after it', fault.atMs + 301]] as const) {
    accepted(books, event(id));
    books.arrived(arrival(`evt_${id}`, 'x', firstAt));
    books.arrived(arrival(`evt_${id}`, 'x', fault.untilMs + 500));
  }
  expect(books.totals()).toMatchObject({ duplicates: 3, unexplained: 2, lost: 0 });
  expect(books.atRisk(fault)).toBe(1);
  expect(books.print('a test')).toMatch(/duplicates +3\n[^]*kill: struck after 0 ms, away \d+ ms, next arrival 30\d ms later, duplicates 1, in flight or just settled 1/);
});

it('excuses what was noted while a fault was about to strike', () => {
  const books = new Books(() => ['x']);
  const over = books.fault('freeze', 'the moment');
  const fault = books.faults[0]!;
  for (const until = Date.now() + 400; Date.now() < until; ) continue;
  books.struck();
  over();
  accepted(books, event('1'));
  for (const at of [fault.atMs + 600, fault.untilMs + 500]) books.arrived(arrival('evt_1', 'x', at));
  expect(books.totals()).toMatchObject({ duplicates: 1, unexplained: 0 });
});

it('excuses nothing by a fault that must not repeat anything', () => {
  const books = new Books(() => ['x']);
  books.fault('kill of dedupe', 'nothing')();
  accepted(books, event('1'));
  for (let copies = 0; copies < 2; copies += 1) books.arrived(arrival('evt_1', 'x', books.faults[0]!.atMs));
  expect(books.totals()).toMatchObject({ duplicates: 1, unexplained: 1 });
});

it('excuses what workers did all along while the broker was away, and nothing after', () => {
  const books = new Books(() => ['x']);
  const over = books.fault('kill of the broker', 'all along');
  const fault = books.faults[0]!;
  over();
  fault.untilMs = fault.atMs + 5_000;
  for (const [id, firstAt] of [['meanwhile', fault.atMs + 4_000], ['after', fault.atMs + 5_001]] as const) {
    accepted(books, event(id));
    for (const at of [firstAt, firstAt + 100]) books.arrived(arrival(`evt_${id}`, 'x', at));
  }
  expect(books.totals()).toMatchObject({ duplicates: 2, unexplained: 1 });
});

it('tells how long an endpoint was silent', () => {
  const books = new Books(() => ['x']);
  for (const [id, at] of [['1', 100], ['2', 400], ['3', 450]] as const) books.arrived(arrival(id, 'x', at));
  expect([books.longestSilenceMs('x', 0, 500), books.longestSilenceMs('x', 200, 1_500), books.longestSilenceMs('y', 0, 70)]).toEqual([300, 1_050, 70]);
});
