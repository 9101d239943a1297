import type { Fact } from '@spillway/contracts';
import { eventually } from '@spillway/testing';
import { Stopped } from './errors.ts';
import { Pager } from './pager.ts';
import { Publisher } from './publisher.ts';
import { startPlaneBroker, type PlaneBroker } from './testing/index.ts';

let plane: PlaneBroker;
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterAll(() => plane.stop());
afterEach(() => plane.broker.api('STREAM.PURGE.WEBHOOK_LEDGER'));

const fact = (tenant: string, delivery: string, detail = ''): Fact => ({ v: 1, type: 'delivery.parked', at: '2026-01-01T12:00:00Z', tenant, endpoint: 'ep_1', app: 'test', reason: detail, deliveries: [delivery] });
const accepted = (event: string, body: string): Fact => ({ v: 1, type: 'event.accepted', at: '2026-01-01T12:00:00Z', tenant: 'acme', event, eventType: 'a.b', source: '/', acceptedAt: '2026-01-01T12:00:00Z', ingest: 1, body, deliveries: [] });

type Stored = { message: { subject: string; data: string } };
const pages = async (): Promise<{ subject: string; lines: { deliveries: string[] }[] }[]> => {
  const { state } = await plane.broker.api<{ state: { first_seq: number; last_seq: number; messages: number } }>('STREAM.INFO.WEBHOOK_LEDGER');
  const read = async (seq: number) => {
    const { message } = await plane.broker.api<Stored>('STREAM.MSG.GET.WEBHOOK_LEDGER', { seq });
    const text = Buffer.from(message.data, 'base64').toString();
    return { subject: message.subject, lines: text.split('\n').map((line) => JSON.parse(line) as { deliveries: string[] }) };
  };
  return Promise.all(Array.from({ length: state.messages }, (_, n) => read(state.first_seq + n)));
};

describe('the pager', () => {
  it('writes what waits for one tenant as one page of lines, in order', async () => {
    const pager = new Pager(plane.broker);
    await Promise.all(Array.from({ length: 500 }, (_, n) => pager.record('acme', fact('acme', String(n)))));
    const written = await pages();
    expect(written.length).toBeLessThan(10);
    expect(written.flatMap(({ lines }) => lines.flatMap(({ deliveries }) => deliveries))).toEqual(Array.from({ length: 500 }, (_, n) => String(n)));
    expect(pager.unwritten).toBe(0);
  });

  it('waits for company where it lingers', async () => {
    const pager = new Pager(plane.broker, { ms: 600_000, messages: 10 });
    const nine = Promise.all(Array.from({ length: 9 }, (_, n) => pager.record('acme', fact('acme', String(n)))));
    await new Pager(plane.broker).record('other', fact('other', 'x'));
    expect([(await pages()).map(({ subject }) => subject), pager.unwritten]).toEqual([['webhook.ledger.other'], 9]);
    await Promise.all([nine, pager.record('acme', fact('acme', '9'))]);
    expect((await pages()).map(({ lines }) => lines.length)).toEqual([1, 10]);
    // as much as a page may be is not held, however few
    await pager.record('acme', fact('acme', '10', 'x'.repeat(300_000)));
    void pager.record('acme', fact('acme', '11'));
    await new Pager(plane.broker).record('other', fact('other', 'y'));
    expect(await pages()).toHaveLength(4);
    pager.close();
  });

  it('keeps tenants apart', async () => {
    const pager = new Pager(plane.broker);
    await Promise.all(['a', 'b', 'c', 'a', 'b', 'c'].map((tenant, n) => pager.record(tenant, fact(tenant, String(n)))));
    for (const { subject, lines } of await pages()) for (const { deliveries } of lines) expect(subject).toBe(`webhook.ledger.${['a', 'b', 'c'][Number(deliveries[0]) % 3] ?? ''}`);
  });

  it('ends a page before it exceeds its bound, and gives a larger fact a page of its own', async () => {
    const pager = new Pager(plane.broker);
    const sizes = [100_000, 100_000, 100_000, 400_000, 10];
    await Promise.all(sizes.map((size, n) => pager.record('acme', fact('acme', String(n), 'x'.repeat(size)))));
    const written = await pages();
    expect(written.flatMap(({ lines }) => lines.flatMap(({ deliveries }) => deliveries))).toEqual(['0', '1', '2', '3', '4']);
    for (const { lines } of written) expect(lines.length === 1 || JSON.stringify(lines).length < 256 * 1_024 + 10).toBe(true);
  });

  it('leaves a body out that does not fit, and says so; what no page can hold fails alone', async () => {
    const pager = new Pager(plane.broker);
    const bytesMax = plane.broker.nc.info?.max_payload ?? 0;
    // the third fits by its bytes, though not by three a character
    const bodies = ['{}', '"'.repeat(bytesMax / 2), 'é'.repeat(370_000), 'é'.repeat(bytesMax / 2)];
    const outcomes = await Promise.allSettled([...bodies.map((body, n) => pager.record('acme', accepted(String(n), body))), pager.record('acme', fact('acme', 'x'.repeat(bytesMax)))]);
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as unknown) : 'written'))).toMatchObject([...bodies.map(() => 'written'), { kind: 'too_large' }]);
    const told = (await pages()).flatMap(({ lines }) => lines as unknown as { event: string; body?: string; omittedBodyBytes?: number }[]);
    expect(told.map(({ event, body, omittedBodyBytes }) => [event, body?.length, omittedBodyBytes])).toEqual([
      ['0', 2, undefined],
      ['1', undefined, bytesMax / 2],
      ['2', 370_000, undefined],
      ['3', undefined, bytesMax],
    ]);
  });

  it('repeats until it is stored, through a broker that is killed', async () => {
    const pager = new Pager(plane.broker);
    await plane.server.kill();
    const recorded = pager.record('acme', fact('acme', 'late'));
    await eventually(() => expect(plane.broker.connected).toBe(false));
    expect(pager.unwritten).toBe(1);
    await plane.server.restart();
    await recorded;
    await eventually(async () => expect((await pages()).flatMap(({ lines }) => lines)).toHaveLength(1));
  });

  it('repeats until there is room, and fails nobody meanwhile', async () => {
    const pager = new Pager(plane.broker);
    const { config } = await plane.broker.api<{ config: object }>('STREAM.INFO.WEBHOOK_LEDGER');
    // as a broker whose storage is full answers: refused, with nothing dropped for it
    await plane.broker.api('STREAM.UPDATE.WEBHOOK_LEDGER', { ...config, discard: 'new', max_bytes: 1 });
    let outcome: unknown;
    const recorded = pager.record('acme', fact('acme', 'late')).then(
      () => (outcome = 'written'),
      (error: unknown) => (outcome = error),
    );
    await expect(new Publisher(plane.broker, 'WEBHOOK_LEDGER').publish('webhook.ledger.acme', [], Buffer.from('{}'))).rejects.toMatchObject({ kind: 'stream_full' });
    const later = performance.now() + 500; // the first refusal is past by then, on any machine that is not at a standstill
    await eventually(() => expect(performance.now()).toBeGreaterThan(later));
    expect([outcome, pager.unwritten]).toEqual([undefined, 1]);
    await plane.broker.api('STREAM.UPDATE.WEBHOOK_LEDGER', config);
    await recorded;
    expect(outcome).toBe('written');
    expect((await pages()).flatMap(({ lines }) => lines)).toHaveLength(1);
  });

  it('gives up only when it is closed, and says so to who waits', async () => {
    const pager = new Pager(plane.broker);
    await plane.server.kill();
    const recorded = pager.record('acme', fact('acme', 'never'));
    pager.close();
    await expect(recorded).rejects.toBeInstanceOf(Stopped);
    await plane.server.restart();
    await eventually(() => expect(plane.broker.connected).toBe(true));
  });
});
