import { subject } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { DirectGet } from './direct-get.ts';
import { BrokerAway, OutcomeUnknown } from './errors.ts';
import { Publisher } from './publisher.ts';
import { Remover } from './purge.ts';
import { startPlaneBroker, type PlaneBroker } from './testing/index.ts';

const STREAM = 'WEBHOOK_PARKED';
const of = (endpoint: string): string => subject.parked('first', 1, endpoint);

let plane: PlaneBroker;
let publisher: Publisher;
let reader: DirectGet;
beforeAll(async () => {
  plane = await startPlaneBroker();
  publisher = new Publisher(plane.broker, STREAM, { maxWaiting: 50_000 });
  reader = new DirectGet(plane.broker, STREAM);
});
afterAll(async () => {
  reader.close();
  await plane.stop();
});

const park = (endpoint: string, count: number, data = Buffer.from('{}')): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, n) => publisher.publish(of(endpoint), [['ce-id', `evt_${n}`]], data)));
const slice = (endpoint: string, fromSequence = 1, batch = 10, maxBytes = 2 ** 20) => reader.slice({ subject: of(endpoint), fromSequence, batch, maxBytes });

describe('reading a subject in slices', () => {
  it('gives messages in their order, with what they carry and where they were stored', async () => {
    await Promise.all([park('ep_a', 5), park('ep_b', 5)]);
    const { messages, pending } = await slice('ep_a', 1, 3);
    expect([messages.length, pending]).toEqual([3, 2]);
    const [first] = messages;
    expect(first).toMatchObject({ subject: of('ep_a'), sequence: expect.any(Number) as number });
    expect([first?.headers.get('ce-id'), Buffer.from(first?.data ?? []).toString()]).toEqual(['evt_0', '{}']);
    expect(Math.abs((first?.storedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    const rest = await slice('ep_a', (messages.at(-1)?.sequence ?? 0) + 1);
    expect([rest.messages.map(({ headers }) => headers.get('ce-id')), rest.pending]).toEqual([['evt_3', 'evt_4'], 0]);
  });

  it('ends short at the byte limit and says that there is more', async () => {
    await park('ep_big', 10, Buffer.alloc(100_000));
    const { messages, pending } = await slice('ep_big', 1, 10, 350_000);
    expect(messages.length).toBeLessThan(10);
    expect(messages.length + pending).toBe(10);
  });

  it('gives one message at least, however little it may take', async () => {
    await park('ep_one', 2, Buffer.alloc(10_000));
    expect((await slice('ep_one', 1, 10, 100)).messages).toHaveLength(1);
  });

  it('gives nothing where nothing is', async () => {
    expect(await slice('ep_none')).toEqual({ messages: [], pending: 0 });
  });

  it('keeps many reads at once apart', async () => {
    const endpoints = Array.from({ length: 50 }, (_, n) => `ep_many_${n}`);
    await Promise.all(endpoints.map((endpoint) => park(endpoint, 4)));
    const slices = await Promise.all(endpoints.map((endpoint) => slice(endpoint)));
    expect(slices.every(({ messages }, n) => messages.length === 4 && messages.every((message) => message.subject === of(endpoints[n] as string)))).toBe(true);
  });
});

describe('reading at the leader', () => {
  it('gives the first message of a subject from a sequence on', async () => {
    await park('ep_leader', 2, Buffer.from('body'));
    const first = await reader.atLeader(of('ep_leader'), 1);
    expect([first?.subject, first?.headers.get('ce-id'), Buffer.from(first?.data ?? []).toString()]).toEqual([of('ep_leader'), 'evt_0', 'body']);
    const second = await reader.atLeader(of('ep_leader'), (first?.sequence ?? 0) + 1);
    expect(second?.headers.get('ce-id')).toBe('evt_1');
    expect(await reader.atLeader(of('ep_leader'), (second?.sequence ?? 0) + 1)).toBeUndefined();
  });

  it('says whether a message is still there', async () => {
    await park('ep_still', 1);
    const { sequence } = (await slice('ep_still')).messages[0] as { sequence: number };
    expect(await reader.isStored(sequence)).toBe(true);
    await Remover.of(plane.broker).remove(STREAM, sequence);
    expect(await reader.isStored(sequence)).toBe(false);
  });
});

describe('when the broker does not answer', () => {
  it('fails in time instead of waiting for ever, at once when the connection is lost, and reads again afterwards', async () => {
    await park('ep_frozen', 1);
    plane.server.freeze();
    await expect(slice('ep_frozen')).rejects.toThrow(OutcomeUnknown);
    const cutOff = slice('ep_frozen').catch((error: unknown) => error);
    await plane.server.kill();
    expect([OutcomeUnknown.name, BrokerAway.name]).toContain(((await cutOff) as Error).name);
    await plane.server.restart();
    await eventually(async () => expect((await slice('ep_frozen')).messages).toHaveLength(1));
  });
});
