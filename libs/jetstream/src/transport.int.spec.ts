import 'reflect-metadata';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { eventually } from '@spillway/testing';
import { queuesOf } from '@spillway/topology';
import { BucketKeys } from './bucket-keys.ts';
import { Consumes } from './consumes.ts';
import { Publisher } from './publisher.ts';
import { suspectKey } from './suspect-key.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';
import { JetStreamTransport, type TransportOptions } from './transport.ts';
import type { WaitingMessage } from './waiting-message.ts';
import { openWorlds } from './worlds.ts';

let plane: PlaneBroker;
const transports: JetStreamTransport[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterEach(async () => {
  await Promise.all(transports.splice(0).map((transport) => transport.close()));
});
afterAll(() => plane.stop());

const transportOf = async (app: string, over: Partial<TransportOptions> = {}): Promise<JetStreamTransport> => {
  const transport = new JetStreamTransport({
    app,
    replica: 'r1',
    broker: plane.broker,
    worlds: await openWorlds(plane.broker, { log: testLog }),
    log: testLog,
    decode: (message) => message,
    settle: async (message) => message.remove(),
    room: ({ held }) => 100 - held,
    mayTake: () => true,
    judgeThrow: () => 'passing',
    bury: async (message) => message.remove(),
    ...over,
  });
  transports.push(transport);
  return transport;
};

const boot = async (module: Type, transport: JetStreamTransport): Promise<{ close(): Promise<void> }> => {
  const app = await NestFactory.createMicroservice(module, { strategy: transport, logger: false, abortOnError: false });
  await app.listen();
  return app;
};

const seen: string[] = [];
@Controller()
class Routes {
  @Consumes(...queuesOf('dedupe'))
  route(@Payload() message: WaitingMessage): string {
    const text = Buffer.from(message.data).toString();
    seen.push(text);
    if (text === 'bad' && message.deliveries === 1) throw new RangeError('as the handler threw it');
    return `routed ${text}`;
  }
}
@Module({ controllers: [Routes] })
class Complete {}

const tries: string[] = [];
@Controller()
class Throwing {
  @Consumes(...queuesOf('dedupe'))
  route(@Payload() message: WaitingMessage): void {
    const text = Buffer.from(message.data).toString();
    tries.push(text);
    if (text.startsWith('bad')) throw new TypeError('its own');
  }
}
@Module({ controllers: [Throwing] })
class WithThrower {}

@Module({})
class WithoutHandler {}

@Controller()
class Strange {
  @Consumes(...queuesOf('dedupe'), 'calendar')
  route(): void {}
}
@Module({ controllers: [Strange] })
class WithStranger {}

const send = (text: string): Promise<unknown> => new Publisher(plane.broker, 'WEBHOOK_INGEST').publish('webhook.ingest.fresh.acme', [], Buffer.from(text));

describe('the transport', () => {
  it('does not boot with a queue that nobody drains', async () => {
    await expect(boot(WithoutHandler, await transportOf('dedupe'))).rejects.toThrow(`dedupe: no handler for [${queuesOf('dedupe').join()}]`);
  });

  it('does not boot with a handler for a queue that is another app’s', async () => {
    await expect(boot(WithStranger, await transportOf('dedupe'))).rejects.toThrow('handler without a queue [calendar]');
  });

  it('settles with what the handler returned, and removes', async () => {
    const settled: unknown[] = [];
    const settle: TransportOptions['settle'] = async (message, _payload, result) => {
      settled.push(result);
      message.remove();
    };
    const app = await boot(Complete, await transportOf('dedupe', { settle }));
    await send('one');
    await eventually(() => expect(settled).toEqual(['routed one']));
    await app.close();
  });

  it('tells what a handler threw as it was thrown, and lets the message come again', async () => {
    const crashes: unknown[] = [];
    seen.length = 0;
    const app = await boot(Complete, await transportOf('dedupe', { judgeThrow: (error) => crashes.push(error) > 0 ? 'passing' : 'own' }));
    await send('bad');
    await eventually(() => expect(seen).toEqual(['bad', 'bad']), 50_000);
    expect(crashes).toEqual([new RangeError('as the handler threw it')]);
    await app.close();
  }, 60_000);

  it('takes nothing while it may not, and everything once it may', async () => {
    seen.length = 0;
    let open = false;
    const app = await boot(Complete, await transportOf('dedupe', { mayTake: () => open }));
    await send('early');
    const later = performance.now() + 500;
    await eventually(() => expect(performance.now()).toBeGreaterThan(later));
    expect(seen).toEqual([]);
    open = true;
    await eventually(() => expect(seen).toEqual(['early']));
    await app.close();
  });

  it('stops taking first, settles what it has, and may be closed twice', async () => {
    const end = Promise.withResolvers<void>();
    let settled = 0;
    const settle: TransportOptions['settle'] = async (message) => {
      await end.promise;
      message.remove();
      settled += 1;
    };
    const transport = await transportOf('dedupe', { settle });
    await boot(Complete, transport);
    await send('last');
    await eventually(() => expect(transport.inHand).toBe(1));
    const closed = Promise.all([transport.close(), transport.close()]);
    expect(transport.state().ok).toBe(false);
    end.resolve();
    await closed;
    expect([settled, transport.inHand]).toEqual([1, 0]);
  });

  it('gives up of a page only what throws an error of its own, each after three times, and works its neighbours once', async () => {
    tries.length = 0;
    const buried: string[] = [];
    const transport = await transportOf('dedupe', {
      judgeThrow: () => 'own',
      bury: async (message) => {
        buried.push(message.origin);
        message.remove();
      },
    });
    const texts = ['n0', 'bad1', 'n2', 'n3', 'bad4', 'n5'];
    const publisher = new Publisher(plane.broker, 'WEBHOOK_INGEST', { pages: () => true });
    const [first] = await publisher.publishEach(texts.map((text) => ({ subject: 'webhook.ingest.fresh.acme', headers: [], data: Buffer.from(text) })));
    const sequence = first instanceof Error ? 0 : (first?.seq ?? 0);
    const world = `WEBHOOK_INGEST@${(await openWorlds(plane.broker, { log: testLog })).created('WEBHOOK_INGEST')}`;
    const bad = [`${world}:${sequence}-1`, `${world}:${sequence}-4`];
    const leases = new BucketKeys(plane.broker, 'webhook_leases');
    const markers = (): Promise<(string | undefined)[]> => Promise.all(bad.map(async (origin) => (await leases.read(suspectKey('dedupe', origin)))?.value));

    await boot(WithThrower, transport);
    // each has a marker of its own, which says how often it threw
    await eventually(async () => expect((await markers()).map((value) => (JSON.parse(value ?? '{}') as { origin?: string; throws?: number }))).toMatchObject(bad.map((origin) => ({ origin, is: 'resting', throws: 1 }))));
    await eventually(() => expect(buried.toSorted()).toEqual(bad), 60_000);
    expect(tries.toSorted()).toEqual([...texts, 'bad1', 'bad1', 'bad4', 'bad4'].toSorted());
    await eventually(async () => expect(await markers()).toEqual([undefined, undefined]));
    await eventually(async () => expect(await plane.broker.api('CONSUMER.INFO.WEBHOOK_INGEST.dedupe-fresh')).toMatchObject({ num_pending: 0, num_ack_pending: 0, num_redelivered: 0 }));
    expect(transport.suspected).toMatchObject({ inHand: 0, buried: new Map([['internal', 2]]) });
  }, 90_000);
});
