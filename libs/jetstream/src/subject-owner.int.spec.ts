import { queues, subject } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { Publisher } from './publisher.ts';
import { SubjectOwner, type SubjectOwnerOptions } from './subject-owner.ts';
import type { SubjectMessage } from './subject-message.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

const STREAM = 'WEBHOOK_PARKED';
const SHARD = 3;

let plane: PlaneBroker;
let publisher: Publisher;
const opened: { owner: SubjectOwner; beat: NodeJS.Timeout }[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
  publisher = new Publisher(plane.broker, STREAM, { maxWaiting: 100_000 });
});
afterAll(() => plane.stop());
afterEach(async () => {
  for (const { owner, beat } of opened.splice(0)) {
    clearInterval(beat);
    owner.abandon();
  }
  await plane.broker.api(`STREAM.PURGE.${STREAM}`);
});

const parked = (endpoint: string): string => subject.parked('first', SHARD, endpoint);
const park = (endpoint: string, count: number): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, n) => publisher.publish(parked(endpoint), [['ce-id', `${endpoint}-${n}`]], Buffer.from(String(n)))));
const stored = async (): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${STREAM}`)).state.messages;

const open = (options: Pick<SubjectOwnerOptions, 'take'> & Partial<SubjectOwnerOptions>): SubjectOwner => {
  const owner = new SubjectOwner({ broker: plane.broker, row: queues['parked-first'], shard: SHARD, world: `${STREAM}@t0`, mayAct: () => true, room: (_subject, held) => 256 - held, log: testLog, ...options });
  opened.push({ owner, beat: setInterval(() => owner.tick(performance.now()), 5) });
  return owner;
};

describe('working the subjects of a shard', () => {
  it('hands out each message once, whole and in order, and removes it', async () => {
    await park('ep_1', 1_000);
    const got: SubjectMessage[] = [];
    const owner = open({
      take: async (message) => {
        got.push(message);
        message.remove();
      },
    });
    await eventually(async () => expect(await stored()).toBe(0));
    expect(got.map((message) => Buffer.from(message.data).toString())).toEqual(Array.from({ length: 1_000 }, (_, n) => String(n)));
    const [first] = got as [SubjectMessage];
    expect([first.origin, first.subject, first.deliveries, first.headers.get('ce-id')]).toEqual([`${STREAM}@t0:${first.sequence}`, parked('ep_1'), 1, 'ep_1-0']);
    expect(Math.abs(first.storedAtMs - Date.now())).toBeLessThan(60_000);
    expect([owner.inHand, owner.waiting(parked('ep_1'))]).toEqual([0, 0]);
  });
});
