import { calendarLateMs, consumerStatus, laneOf, lanesOf, streamStatus } from './measured.ts';

const consumer = (name: string, pending: number, inFlight: number) =>
  consumerStatus({ name, stream_name: 'WEBHOOK_DELIVERY', config: { max_ack_pending: 2_048 }, ack_floor: { stream_seq: 0 }, num_pending: pending, num_ack_pending: inFlight });

describe('status', () => {
  it('has no oldest message where there is none', () => {
    const state = { messages: 0, bytes: 0, first_ts: '0001-01-01T00:00:00Z' };
    expect(streamStatus('WEBHOOK_DEAD', { config: { max_bytes: 1 }, state }).oldestMs).toBeNull();
    const full = { ts: '2026-01-01T00:00:10Z', config: { max_bytes: 1 }, state: { messages: 1, bytes: 9, first_ts: '2026-01-01T00:00:00Z' } };
    expect(streamStatus('WEBHOOK_DEAD', full)).toEqual({ name: 'WEBHOOK_DEAD', messages: 1, bytes: 9, maxBytes: 1, oldestMs: 10_000 });
  });

  it('says how late the calendar is by its earliest bucket, and nothing of buckets to come', () => {
    const now = Date.parse('2026-11-22T01:40:30Z');
    expect(calendarLateMs(['webhook.retry.at.3.20261122T01.4031', 'webhook.retry.at.1.20261123T00.0000'], now)).toBe(0);
    expect(calendarLateMs(['webhook.retry.at.3.20261122T01.4029', 'webhook.retry.at.1.20261122T01.3930', 'strange'], now)).toBe(60_000);
  });

  it('adds up a lane over the apps and shards that work it', () => {
    expect([laneOf('dispatcher-fresh-3'), laneOf('dedupe-bulk'), laneOf('projection')]).toEqual(['fresh', 'bulk', undefined]);
    const lanes = lanesOf([
      { consumer: consumer('dedupe-fresh', 1, 2), oldestMs: 5 },
      { consumer: consumer('dispatcher-fresh-0', 10, 0), oldestMs: 50 },
      { consumer: consumer('dispatcher-fresh-1', 0, 0), oldestMs: null },
      { consumer: consumer('projection', 99, 0), oldestMs: 99 },
    ]);
    expect(lanes).toEqual([{ name: 'fresh', waiting: 13, oldestMs: 50 }]);
  });
});
