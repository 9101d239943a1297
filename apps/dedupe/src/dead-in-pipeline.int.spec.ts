import { header, type Fact } from '@spillway/contracts';
import { Publisher, type WaitingMessage } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { deadInPipeline } from './dead-in-pipeline.ts';
import { NotInSight } from './router.ts';

const APP = 'dedupe';
let plane: PlaneBroker;
let facts: Fact[];
let givenUp: string[];
beforeEach(async () => {
  plane = await startPlaneBroker({ limits: { maxMessagesPerSubject: { WEBHOOK_DEAD: 1 } } });
  facts = [];
  givenUp = [];
});
afterEach(() => plane.stop());

const attributes: [string, string][] = [
  [header.eventId, 'evt_1'],
  [header.tenant, 'acme'],
  [header.eventType, 'order.placed'],
  [header.eventSource, '/shop'],
  [header.acceptedAt, '2026-11-22T01:40:30.000Z'],
  ['ce-partition', 'north'],
];
const waiting = (sequence: number, headers = attributes): WaitingMessage & { removed: boolean } => ({
  origin: `WEBHOOK_INGEST@t0:${sequence}`,
  subject: 'webhook.ingest.fresh.acme',
  sequence,
  storedAtMs: 0,
  deliveries: 3,
  headers: { get: (name) => headers.find(([other]) => other === name)?.[1], entries: () => headers },
  data: Buffer.from('{"type":"order.placed","timestamp":"2026-11-22T01:40:30.000Z","data":{"n":12345678901234567890}}'),
  removed: false,
  owned: () => true,
  hold: () => undefined,
  remove() {
    this.removed = true;
  },
});
const parts = () =>
  deadInPipeline({
    app: APP,
    dead: new Publisher(plane.broker, 'WEBHOOK_DEAD'),
    lanes: { fresh: { giveUp: async ({ meta }) => void givenUp.push(meta.eventId) } as Parameters<typeof deadInPipeline>[0]['lanes']['fresh'] },
    record: async (_tenant, fact) => void facts.push(fact),
    log: testLog,
    now: () => new Date('2026-11-22T02:00:00Z'),
    onCrash: () => undefined,
  });
type Kept = { message: { subject: string; data: string; hdrs: string } };
const kept = async (): Promise<{ subject: string; data: string; headers: string }> => {
  const { message } = await plane.broker.api<Kept>('STREAM.MSG.GET.WEBHOOK_DEAD', { seq: 1 });
  return { subject: message.subject, data: Buffer.from(message.data, 'base64').toString(), headers: Buffer.from(message.hdrs, 'base64').toString() };
};
const poison = { reason: 'poison', detail: 'it ended\nits worker', blind: false } as const;

it('gives its claims up, keeps it whole with every header, tells it with its body, and removes it', async () => {
  const message = waiting(7);
  await parts().bury(message, poison);
  const letter = await kept();
  expect(letter).toMatchObject({ subject: 'webhook.dead.pipeline.dedupe', data: Buffer.from(message.data).toString() });
  for (const line of ['ce-partition: north', `${header.eventId}: evt_1`, `${header.reason}: poison`, `${header.detail}: it ended its worker`]) expect(letter.headers).toContain(line);
  expect([givenUp, facts, message.removed]).toMatchObject([
    ['evt_1'],
    [{ type: 'event.dead', tenant: 'acme', event: 'evt_1', ingest: 7, reason: 'poison', by: 'pipeline', kept: true, app: APP, body: expect.stringContaining('12345678901234567890') as string }],
    true,
  ]);
});

it('says so when there is no room for it, and goes on', async () => {
  await parts().bury(waiting(7), poison);
  const second = waiting(8);
  await parts().bury(second, poison);
  expect([facts.map((fact) => fact.type === 'event.dead' && fact.kept), second.removed]).toEqual([[true, false], true]);
});

it('keeps without a look what ends whoever looks, or cannot be read; and where there is no room that stays where it is', async () => {
  const [first, second] = [waiting(7), waiting(8, [])];
  await parts().bury(first, { ...poison, blind: true });
  await parts().bury(second, { ...poison, reason: 'unreadable' });
  expect([givenUp, facts, first.removed, second.removed]).toEqual([[], [], true, false]);
});

it('tells what passes by itself from what is the event’s own', () => {
  const { judgeThrow } = parts();
  const judged = [new NotInSight('no endpoints in sight'), new TypeError('of undefined'), new URIError('malformed'), Object.assign(new Error('sealed'), { remediation: 'Give it the key.' })].map((error) => judgeThrow(error, waiting(7)));
  expect(judged).toEqual(['passing', 'own', 'unreadable', 'passing']);
});
