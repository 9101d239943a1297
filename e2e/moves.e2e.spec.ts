import type { ServerResponse } from 'node:http';
import { header } from '@spillway/contracts';
import { eventually, startReceiver, type Plane, type Receiver } from '@spillway/testing';
import { durableName, shardOf, subject } from '@spillway/topology';
import { onPlaneInView, type Stored } from './broker-view.ts';

const TENANT = 'moves';
const EVENTS = 20;
/** Long enough that what hangs at the receiver does not fail while the streams are looked at. */
const ENDPOINT = { maxInFlight: 4, timeoutSeconds: 60 };

/** An endpoint that answers nobody until it is told to: what cannot be attempted meanwhile is parked. */
class HoldingReceiver {
  private constructor(
    readonly receiver: Receiver,
    private readonly held: ServerResponse[],
  ) {}

  static async start(): Promise<HoldingReceiver> {
    const held: ServerResponse[] = [];
    return new HoldingReceiver(await startReceiver((_request, response) => void held.push(response)), held);
  }

  release(): void {
    this.receiver.handler = () => 200;
    for (const response of this.held.splice(0)) response.end();
  }

  /** How often each event has come. */
  arrivals(): Map<string, number> {
    const counted = new Map<string, number>();
    for (const { headers } of this.receiver.requests) counted.set(String(headers['webhook-id']), (counted.get(String(headers['webhook-id'])) ?? 0) + 1);
    return counted;
  }
}

let endpoint: HoldingReceiver;
beforeEach(async () => {
  endpoint = await HoldingReceiver.start();
});
afterEach(() => endpoint.receiver.stop());

const sendAll = async (plane: Plane): Promise<string[]> => {
  const answers = await Promise.all(Array.from({ length: EVENTS }, (_, i) => plane.send({ tenant: TENANT, type: 'moved', data: i })));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
  return answers.map(({ body }) => (JSON.parse(body) as { id: string }).id);
};

const valueOf = ({ headers }: Stored, name: string): string => headers.find(([key]) => key === name)?.[1] ?? '';
/** Less what is the server's: its id names a step that was taken, and what came in an atomic batch still says so. */
const without = ({ headers }: Pick<Stored, 'headers'>, ...names: string[]): [string, string][] => headers.filter(([key]) => !key.startsWith('Nats-') && !names.includes(key));

/** The same step for the same delivery, as a job takes it: under an id of its own, which names the job. */
const headersUnder = (job: string, stored: Stored): [string, string][] => [
  ...without(stored, header.job),
  [header.job, job],
  [header.messageId, `${job}:${valueOf(stored, header.eventId)}:${valueOf(stored, header.endpoint)}`],
];

const times = (ids: readonly string[], count: number): [string, number][] => ids.map((id) => [id, count]);
const expectArrivals = (expected: [string, number][]): void => expect(endpoint.arrivals()).toEqual(new Map(expected));

it('stores and delivers each: a delivery parked twice, and one event again under a job’s id', async () => {
  await onPlaneInView({}, async (plane, view) => {
    const { id } = await plane.createEndpoint(TENANT, { url: endpoint.receiver.url, ...ENDPOINT });
    const parkedFor = subject.parked('first', shardOf(id), id);
    const turnFor = subject.delivery('fresh', shardOf(id));
    const parked = async (): Promise<number> => (await view.subjects('WEBHOOK_PARKED'))[parkedFor] ?? 0;
    const events = await sendAll(plane);
    // all but those that hang at the receiver
    await eventually(async () => expect([await parked(), await view.count('WEBHOOK_DELIVERY')]).toEqual([EVENTS - endpoint.receiver.inFlight, expect.any(Number)]));
    expect(endpoint.receiver.inFlight).toBeGreaterThan(0);
    const before = await parked();
    const [twice, thrice] = await view.read('WEBHOOK_PARKED', parkedFor);
    if (!twice || !thrice) throw new Error('nothing is parked');

    // its turn once more, as reconcile gives it: from another place in DELIVERY it is parked once more
    expect(await view.publish('WEBHOOK_DELIVERY', turnFor, headersUnder('job_1', twice), twice.data)).toMatchObject({ duplicate: false });
    await eventually(async () => expect(await parked()).toBe(before + 1));
    // the same event as a resend makes it, and as another resend does
    for (const job of ['job_2', 'job_3']) await view.publish('WEBHOOK_INGEST', subject.ingest('fresh', TENANT), without({ headers: headersUnder(job, thrice) }, header.attempt), thrice.data);
    await eventually(async () => expect(await parked()).toBe(before + 3));
    // a job that repeats a step is known by the step's id
    expect(await view.publish('WEBHOOK_DELIVERY', turnFor, headersUnder('job_1', twice), twice.data)).toMatchObject({ duplicate: true });

    endpoint.release();
    await view.settled();
    const [second, third] = [valueOf(twice, header.eventId), valueOf(thrice, header.eventId)];
    const once = events.filter((event) => event !== second && event !== third);
    expectArrivals([...times(once, 1), [second, 2], [third, 3]]);
  });
});

it('stores and delivers each again after DELIVERY was purged and written again', async () => {
  await onPlaneInView({ apps: { dispatcher: 0 } }, async (plane, view) => {
    const { id } = await plane.createEndpoint(TENANT, { url: endpoint.receiver.url, ...ENDPOINT });
    endpoint.release();
    const events = await sendAll(plane);
    await eventually(async () => expect(await view.count('WEBHOOK_DELIVERY')).toBe(EVENTS));
    const turns = await view.read('WEBHOOK_DELIVERY', subject.delivery('fresh', shardOf(id)));
    await view.purge('WEBHOOK_DELIVERY');
    for (const turn of turns) expect(await view.publish('WEBHOOK_DELIVERY', turn.subject, headersUnder('rebuild_1', turn), turn.data)).toMatchObject({ duplicate: false });
    expect(await view.count('WEBHOOK_DELIVERY')).toBe(EVENTS);
    await plane.add('dispatcher');
    await eventually(() => expect(endpoint.arrivals().size).toBe(EVENTS));
    await view.settled();
    expectArrivals(times(events, 1));
  });
});

it('stores and delivers each again after PARKED was purged and written again', async () => {
  await onPlaneInView({}, async (plane, view) => {
    const { id } = await plane.createEndpoint(TENANT, { url: endpoint.receiver.url, ...ENDPOINT });
    const parkedFor = subject.parked('first', shardOf(id), id);
    const events = await sendAll(plane);
    await eventually(async () => expect(await view.count('WEBHOOK_PARKED')).toBe(EVENTS - endpoint.receiver.inFlight));
    // whatever was parked is settled, or it would come again from DELIVERY as well
    await eventually(async () => expect(await view.inFlight('WEBHOOK_DELIVERY', durableName('dispatcher-fresh', shardOf(id)))).toBe(endpoint.receiver.inFlight));
    // a rebuild wants the workers stopped: what they have read is theirs
    await plane.app('dispatcher').kill();
    const parked = await view.read('WEBHOOK_PARKED', parkedFor);
    await view.purge('WEBHOOK_PARKED');
    for (const one of parked) expect(await view.publish('WEBHOOK_PARKED', parkedFor, headersUnder('rebuild_1', one), one.data)).toMatchObject({ duplicate: false });
    endpoint.release();
    await plane.app('dispatcher').restart();
    await eventually(() => expect(endpoint.arrivals().size).toBe(EVENTS));
    await view.settled();
    // those that hung when the dispatcher was killed were in flight, and come again
    const again = new Set(parked.map((one) => valueOf(one, header.eventId)));
    expectArrivals(events.map((event) => [event, again.has(event) ? 1 : 2]));
  });
});
