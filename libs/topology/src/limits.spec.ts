import { defaultLimits, limitsFrom, limitVariables } from './limits.ts';
import { GIB, MIB } from './units.ts';

it('has the defaults of the catalogue', () => {
  expect(defaultLimits).toEqual({
    maxBytes: {
      WEBHOOK_INGEST: GIB,
      WEBHOOK_DELIVERY: GIB,
      WEBHOOK_RETRY: GIB,
      WEBHOOK_PARKED: GIB,
      WEBHOOK_DEAD: GIB,
      WEBHOOK_LEDGER: 4 * GIB,
      KV_webhook_endpoints: 64 * MIB,
      KV_webhook_keys: 64 * MIB,
      KV_webhook_control: 64 * MIB,
      KV_webhook_leases: 64 * MIB,
    },
    maxMessagesPerSubject: { WEBHOOK_INGEST: 200_000, WEBHOOK_PARKED: 400_000, WEBHOOK_DEAD: 100_000 },
    replicas: 1,
  });
});

it('takes each of them from the environment, and an empty one as not given', () => {
  const { limits, faults } = limitsFrom({
    SPILLWAY_MAX_BYTES_INGEST: '2GiB',
    SPILLWAY_MAX_BYTES_LEDGER: '100MiB',
    SPILLWAY_MAX_BYTES_DEAD: '',
    SPILLWAY_MAX_BYTES_KV: '8MiB',
    SPILLWAY_MAX_MESSAGES_TENANT: '10',
    SPILLWAY_MAX_MESSAGES_ENDPOINT: '20',
    SPILLWAY_MAX_MESSAGES_DEAD: '30',
    SPILLWAY_NATS_REPLICAS: '3',
  });
  expect(faults).toEqual([]);
  expect(limits.maxBytes).toMatchObject({ WEBHOOK_INGEST: 2 * GIB, WEBHOOK_DELIVERY: GIB, WEBHOOK_DEAD: GIB, WEBHOOK_LEDGER: 100 * MIB, KV_webhook_keys: 8 * MIB, KV_webhook_leases: 8 * MIB });
  expect([limits.maxMessagesPerSubject, limits.replicas]).toEqual([{ WEBHOOK_INGEST: 10, WEBHOOK_PARKED: 20, WEBHOOK_DEAD: 30 }, 3]);
});

it('names all faults at once: variable, value seen, value wanted', () => {
  const { limits, faults } = limitsFrom({ SPILLWAY_MAX_BYTES_RETRY: '8GB', SPILLWAY_MAX_BYTES_KV: '0', SPILLWAY_MAX_MESSAGES_TENANT: '-1', SPILLWAY_MAX_MESSAGES_DEAD: '1.5', SPILLWAY_NATS_REPLICAS: '2' });
  expect(faults.map(({ variable, seen }) => `${variable}=${seen}`)).toEqual(['SPILLWAY_MAX_BYTES_RETRY="8GB"', 'SPILLWAY_MAX_BYTES_KV="0"', 'SPILLWAY_MAX_MESSAGES_TENANT="-1"', 'SPILLWAY_MAX_MESSAGES_DEAD="1.5"', 'SPILLWAY_NATS_REPLICAS="2"']);
  for (const { wanted } of faults) expect(wanted).toMatch(/above 0|1, 3 or 5/);
  expect(limits).toEqual(defaultLimits);
});

it('documents every variable that it reads', () => {
  const read = new Set<string>();
  limitsFrom(new Proxy({}, { get: (_target, name) => void read.add(String(name)) }));
  expect(limitVariables.map(({ variable }) => variable)).toEqual([...read]);
});
