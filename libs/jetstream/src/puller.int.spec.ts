import { durableName } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { Publisher } from './publisher.ts';
import { Puller } from './puller.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

const STREAM = 'WEBHOOK_INGEST';
const DURABLE = durableName('dedupe-fresh');

let plane: PlaneBroker;
let puller: Puller;
/** Whether it was asked for room in a tick, each time. */
let asked: ('tick' | 'by itself')[];
let ticking = false;
let got = 0;
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterAll(() => plane.stop());
beforeEach(() => {
  [asked, got] = [[], 0];
  const room = (): number => (asked.push(ticking ? 'tick' : 'by itself'), 100);
  puller = new Puller(plane.broker, { stream: STREAM, durable: DURABLE, room, take: () => (got += 1), log: testLog });
});
afterEach(() => puller.close());

const tick = (): void => {
  ticking = true;
  puller.tick();
  ticking = false;
};

describe('a pull that expires', () => {
  it('is followed by the next at once, not at the next tick', async () => {
    const beat = setInterval(tick, 20);
    await eventually(() => expect(asked).toContain('by itself'));
    await new Publisher(plane.broker, STREAM).publish('webhook.ingest.fresh.acme', [], Buffer.from('x'));
    await eventually(() => expect(got).toBe(1));
    clearInterval(beat);
  });

  it('is the last of a worker that stands still', async () => {
    tick();
    await eventually(() => expect(puller.asked).toBe(0));
    expect(asked).toEqual(['tick']);
  });
});
