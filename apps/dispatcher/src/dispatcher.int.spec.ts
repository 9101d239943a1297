import 'reflect-metadata';
import { header, type EndpointsLearnt, type Fact } from '@spillway/contracts';
import { askAll, Publisher } from '@spillway/jetstream';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually } from '@spillway/testing';
import { readParked, readRetryAt, shardOf, subject } from '@spillway/topology';
import { Webhook } from 'standardwebhooks';
import { Rig } from '../test/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
  await rig.startDispatcher();
}, 60_000);
afterAll(() => rig.stop(), 60_000);

describe('a first attempt', () => {
  it('is signed so that the official library believes it, byte for byte, and is recorded and removed', async () => {
    const receiver = await rig.receiver(() => 200);
    const secret = newSecret();
    const record = await rig.endpoint(`${receiver.url}/hook`, { headers: { 'x-customer': 'one' } }, 'acme', secret);
    const meta = await rig.owe(record, 'fresh', { data: '{"big":12345678901234567890,"one":1.0}' });
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const [request] = receiver.requests;
    expect(request?.headers).toMatchObject({ 'webhook-id': meta.eventId, 'content-type': 'application/json', 'x-customer': 'one' });
    expect(request?.body.toString()).toContain('"data":{"big":12345678901234567890,"one":1.0}}');
    expect(() => new Webhook(secret).verify(request?.body.toString() ?? '', request?.headers as Record<string, string>)).not.toThrow();
    await eventually(async () => expect(await rig.factsOf(meta)).toMatchObject([{ type: 'attempt.succeeded', attempt: 1, status: 200, app: 'dispatcher' }]));
    await eventually(async () => expect(await rig.left('WEBHOOK_DELIVERY')).toBe(0));
  });

  it('that fails waits in the calendar with all that the next one needs', async () => {
    const receiver = await rig.receiver(() => 500);
    const record = await rig.endpoint(receiver.url);
    const meta = await rig.owe(record, 'fresh', { data: '{"n":1}' });
    await eventually(async () => expect((await rig.factsOf(meta)).map(({ type }) => type)).toEqual(['attempt.failed']));
    const [kept] = await rig.everythingIn('WEBHOOK_RETRY');
    expect(readRetryAt(kept?.subject ?? '')?.shard).toBe(shardOf(record.id));
    expect(kept?.headers.get(header.attempt)).toBe('2');
    expect(kept?.headers.get(header.dueAt)).toBe(readRetryAt(kept?.subject ?? '')?.dueAt.toISOString());
    expect(kept?.headers.get(header.eventId)).toBe(meta.eventId);
    expect(kept?.headers.get(header.messageId)).toMatch(/^WEBHOOK_DELIVERY@.+:\d+$/);
    expect(kept?.data).toContain('"data":{"n":1}}');
  });

  it('that is told 410 ends as a dead letter', async () => {
    const receiver = await rig.receiver(() => 410);
    const record = await rig.endpoint(receiver.url);
    const meta = await rig.owe(record, 'fresh');
    await eventually(async () => expect((await rig.factsOf(meta)).map(({ type }) => type)).toEqual(['attempt.failed', 'delivery.dead']));
    const dead = await rig.everythingIn('WEBHOOK_DEAD');
    expect(dead.at(-1)).toMatchObject({ subject: 'webhook.dead.endpoint.acme' });
    expect(dead.at(-1)?.headers.get(header.reason)).toBe('gone');
  });

  it('is not made for an endpoint that was deleted', async () => {
    const receiver = await rig.receiver(() => 200);
    const record = await rig.endpoint(receiver.url);
    await rig.remove(record);
    const attemptsAtOneMore = async (): Promise<number> => {
      const before = receiver.requests.length;
      await rig.owe(record, 'fresh');
      await eventually(async () => expect(await rig.left('WEBHOOK_DELIVERY')).toBe(0));
      return receiver.requests.length - before;
    };
    // it hears of that over a watch of its own
    await eventually(async () => expect(await attemptsAtOneMore()).toBe(0));
    expect(await attemptsAtOneMore()).toBe(0);
  });

  it('waits in PARKED for an endpoint that is disabled, and is made when it is enabled', async () => {
    const receiver = await rig.receiver(() => 200);
    const record = await rig.endpoint(receiver.url, { enabled: false });
    await rig.owe(record, 'fresh');
    await eventually(async () => expect((await rig.everythingIn('WEBHOOK_PARKED')).map(({ subject: on }) => readParked(on)?.endpointId)).toEqual([record.id]));
    expect(receiver.requests).toHaveLength(0);
    await rig.change(record, { enabled: true });
    await eventually(() => expect(receiver.requests).toHaveLength(1), 60_000);
    await eventually(async () => expect(await rig.left('WEBHOOK_PARKED')).toBe(0));
  }, 90_000);

  it('of a message that nobody can read is a dead letter of the pipeline, and its neighbours go on', async () => {
    const receiver = await rig.receiver(() => 200);
    const record = await rig.endpoint(receiver.url);
    await new Publisher(rig.plane.broker, 'WEBHOOK_DELIVERY').publish(subject.delivery('fresh', shardOf(record.id)), [[header.eventId, 'evt_broken']], Buffer.from('{}'));
    await rig.owe(record, 'fresh');
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    await eventually(async () => expect((await rig.everythingIn('WEBHOOK_DEAD')).map(({ subject: on }) => on)).toContain('webhook.dead.pipeline.dispatcher'));
    await eventually(async () => expect(await rig.left('WEBHOOK_DELIVERY')).toBe(0));
  });
});

it('a circuit’s opening and closing are told, and who asks is told how it stands', async () => {
  const receiver = await rig.receiver(() => 503);
  const record = await rig.endpoint(receiver.url);
  const learnt = () => askAll<EndpointsLearnt>(rig.plane.broker, subject.askLearnt(shardOf(record.id)), [record.id, 'ep_unknown'], { want: 1, timeoutMs: 5_000 });
  const circuitFacts = async (): Promise<Fact[]> => (await rig.facts()).filter((fact) => fact.type.startsWith('circuit.') && 'endpoint' in fact && fact.endpoint === record.id);
  await eventually(async () => expect(await learnt()).toEqual([{}]));
  for (let n = 0; n < 12; n += 1) await rig.owe(record, 'fresh');
  const lastFailure = { at: expect.any(String), kind: 'status', status: 503 };
  await eventually(async () => expect(await circuitFacts()).toMatchObject([{ type: 'circuit.opened', tenant: 'acme', app: 'dispatcher', reason: 'failures', lastFailure }]));
  expect(await learnt()).toEqual([{ [record.id]: { app: 'dispatcher', circuit: expect.stringMatching(/^(open|half_open)$/), lastFailure } }]);
  receiver.handler = () => 200;
  await eventually(async () => expect(await circuitFacts()).toMatchObject([{ type: 'circuit.opened' }, { type: 'circuit.closed', app: 'dispatcher', reason: 'answered', openMs: expect.any(Number) }]), 60_000);
  expect(await learnt()).toEqual([{ [record.id]: { app: 'dispatcher', circuit: 'closed', lastFailure } }]);
}, 130_000);

describe('an endpoint at its cap', () => {
  it('never sees more at once than it allows, gets everything, and costs its neighbours nothing', async () => {
    const slow = await rig.receiver(async () => {
      await new Promise<void>((resolve) => setTimeout(resolve, 20));
      return 200;
    });
    let slowBeforeQuick = 0;
    const quick = await rig.receiver(() => {
      slowBeforeQuick = slow.requests.length;
      return 200;
    });
    const record = await rig.endpoint(slow.url, { maxInFlight: 5 });
    const neighbour = await rig.endpoint(quick.url);
    await Promise.all(Array.from({ length: 1_000 }, () => rig.owe(record, 'fresh')));
    const before = slow.requests.length;
    await rig.owe(neighbour, 'fresh');
    await eventually(() => expect(quick.requests).toHaveLength(1));
    // by their numbers, since what else the machine does holds up both: behind what waits there it would be all of it
    expect(slowBeforeQuick - before).toBeLessThan(500);
    await eventually(() => expect(slow.requests).toHaveLength(1_000), 60_000);
    expect(slow.mostInFlight).toBeLessThanOrEqual(5);
    expect(new Set(slow.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1_000);
    await eventually(async () => expect([await rig.left('WEBHOOK_PARKED'), await rig.left('WEBHOOK_DELIVERY')]).toEqual([0, 0]), 60_000);
  }, 130_000);
});
