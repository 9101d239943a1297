import { jest } from '@jest/globals';
import { DeliveryQuota, type DeliveryBytes } from './delivery-quota.ts';

const setUp = (first: DeliveryBytes) => {
  const server = { now: first, readings: 0, fault: undefined as Error | undefined };
  const time = { now: 0 };
  const told: boolean[] = [];
  const faults: unknown[] = [];
  const quota = new DeliveryQuota({
    read: async () => {
      server.readings += 1;
      if (server.fault) throw server.fault;
      return server.now;
    },
    onChange: ({ moving }) => told.push(moving),
    onFault: (error) => faults.push(error),
    clock: () => time.now,
  });
  quotas.push(quota);
  return { quota, server, time, told, faults };
};
const quotas: DeliveryQuota[] = [];
afterEach(() => {
  for (const quota of quotas.splice(0)) quota.close();
  jest.useRealTimers();
});
const answered = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('bulk', () => {
  it('is not taken before it is known how full DELIVERY is', async () => {
    const { quota } = setUp({ bytes: 0, maxBytes: 1_000 });
    expect(quota.mayTake(true)).toBe(false);
    await answered();
    expect(quota.mayTake(true)).toBe(true);
  });

  it('stops at 60 % and goes on below it, by what the limit is at that moment', async () => {
    const { quota, server, time, told } = setUp({ bytes: 599, maxBytes: 1_000 });
    quota.mayTake(true);
    await answered();
    expect(quota.mayTake(true)).toBe(true);
    const look = async (bytes: number, maxBytes: number): Promise<boolean> => {
      server.now = { bytes, maxBytes };
      time.now += 250;
      quota.mayTake(false);
      await answered();
      return quota.mayTake(false);
    };
    expect([await look(600, 1_000), await look(600, 1_001), await look(700, 1_000)]).toEqual([false, true, false]);
    expect(told).toEqual([false, true, false]);
  });

  it('counts what it writes itself between two readings', async () => {
    const { quota, time, server } = setUp({ bytes: 500, maxBytes: 1_000 });
    for (let n = 0; n < 2; n += 1) (await quota.mayWrite(60))();
    expect([quota.mayTake(false), quota.state.bytes, server.readings]).toEqual([false, 620, 1]);
    server.now = { bytes: 560, maxBytes: 1_000 };
    time.now = 250;
    quota.mayTake(false);
    await answered();
    expect([quota.mayTake(false), quota.state.bytes]).toEqual([true, 560]);
  });

  it('counts what is on its way at a reading until it is stored: of that the reading may have nothing', async () => {
    const { quota, time, server } = setUp({ bytes: 500, maxBytes: 1_000 });
    const ended = await quota.mayWrite(120);
    const look = async (bytes: number): Promise<[boolean, number]> => {
      server.now = { bytes, maxBytes: 1_000 };
      time.now += 250;
      quota.mayTake(false);
      await answered();
      return [quota.mayTake(false), quota.state.bytes];
    };
    expect(await look(470)).toEqual([true, 590]);
    expect(await look(490)).toEqual([false, 610]);
    ended();
    expect([quota.mayTake(false), quota.state.bytes]).toEqual([false, 610]);
    expect(await look(580)).toEqual([true, 580]);
  });

  it('reads four times a second at most, and not at all while nothing moves', async () => {
    const { quota, server, time } = setUp({ bytes: 0, maxBytes: 1_000 });
    quota.mayTake(true);
    await answered();
    for (let ms = 0; ms < 1_000; ms += 20) {
      time.now += 20;
      quota.mayTake(true);
      await answered();
    }
    expect(server.readings).toBe(1);
    for (let ms = 0; ms < 1_000; ms += 20) {
      time.now += 20;
      quota.mayTake(false);
      await answered();
    }
    expect(server.readings).toBeLessThanOrEqual(5);
  });

  it('is not written while nobody says how full DELIVERY is, and its waiting ends with a stop', async () => {
    const { quota, server, time, faults } = setUp({ bytes: 0, maxBytes: 1_000 });
    await quota.mayWrite(1);
    server.fault = new Error('no answer');
    time.now = 1_000;
    const waiting = quota.mayWrite(1);
    quota.close();
    await expect(waiting).rejects.toMatchObject({ code: 'SPILLWAY_STOPPED' });
    expect(faults).toEqual([server.fault]);
  });

  it('is said as it is when nothing of it comes, and others fill DELIVERY and empty it: read every two seconds, once at a time, until it is closed', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const { quota, server, time, told, faults } = setUp({ bytes: 100, maxBytes: 1_000 });
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 100) {
        time.now += 100;
        jest.advanceTimersByTime(100);
        await answered();
      }
    };
    quota.mayTake(true);
    await answered();
    server.now = { bytes: 700, maxBytes: 1_000 };
    await pass(2_000);
    expect(quota.state).toEqual({ moving: false, bytes: 700, maxBytes: 1_000 });
    server.fault = new Error('no answer');
    await pass(2_000);
    expect([quota.state.moving, faults]).toEqual([false, [server.fault]]);
    Object.assign(server, { fault: undefined, now: { bytes: 0, maxBytes: 1_000 } });
    await pass(2_000);
    expect([quota.state, told, server.readings]).toEqual([{ moving: true, bytes: 0, maxBytes: 1_000 }, [false, true], 4]);
    quota.close();
    await pass(10_000);
    expect(server.readings).toBe(4);
  });
});
