import { startBroker, type TestBroker } from '@spillway/testing';
import { consumerProperties, streamProperties, VERIFIED_ON, type PropertyRow } from '@spillway/topology';
import { Broker } from './broker.ts';
import { BrokerRefused } from './errors.ts';
import { testLog } from './testing/index.ts';

/** The catalogue says of each property whether the server changes it on what exists; here the server is asked. */
let server: TestBroker;
let broker: Broker;
beforeAll(async () => {
  server = await startBroker();
  broker = await Broker.connect({ servers: server.url, name: 'test', log: testLog });
  // the server takes away the folder of all streams behind the last one, and whoever is created at that moment finds none (10049)
  await broker.api('STREAM.CREATE.STAYS', { ...STREAM, name: 'STAYS', subjects: ['stays'] });
});
afterAll(async () => {
  await broker.close();
  await server.stop();
});

type Config = Record<string, unknown>;
const STREAM: Config = { name: 'T', subjects: ['t.*'], storage: 'file', retention: 'limits', discard: 'new', max_bytes: 2 ** 20, max_msgs_per_subject: 100, allow_direct: true, allow_atomic: true, num_replicas: 1 };
const DURABLE: Config = { name: 'd', durable_name: 'd', ack_policy: 'explicit', ack_wait: 5e9, max_ack_pending: 100, max_deliver: -1, deliver_policy: 'all', replay_policy: 'instant', filter_subject: 't.a' };

/** Another value, and what must stand beside it for that value to be legal. */
const otherOfStream: Record<string, Config> = {
  subjects: { subjects: ['t.*', 'u.*'] },
  storage: { storage: 'memory' },
  retention: { retention: 'workqueue' },
  discard: { discard: 'old' },
  max_bytes: { max_bytes: 2 ** 21 },
  max_msgs: { max_msgs: 1_000 },
  max_msgs_per_subject: { max_msgs_per_subject: 200 },
  max_msg_size: { max_msg_size: 1_000 },
  max_age: { max_age: 1e12 },
  max_consumers: { max_consumers: 5 },
  discard_new_per_subject: { discard_new_per_subject: true },
  duplicate_window: { duplicate_window: 60e9 },
  num_replicas: { num_replicas: 3 },
  no_ack: { no_ack: true },
  allow_direct: { allow_direct: false },
  allow_atomic: { allow_atomic: false },
  allow_rollup_hdrs: { allow_rollup_hdrs: true },
  deny_delete: { deny_delete: true },
  deny_purge: { deny_purge: true },
  sealed: { sealed: true },
};
const otherOfConsumer: Record<string, Config> = {
  filter_subject: { filter_subject: 't.b' },
  filter_subjects: { filter_subject: '', filter_subjects: ['t.b', 't.c'] },
  ack_policy: { ack_policy: 'none' },
  ack_wait: { ack_wait: 6e9 },
  max_ack_pending: { max_ack_pending: 200 },
  max_deliver: { max_deliver: 5 },
  deliver_policy: { deliver_policy: 'new' },
  replay_policy: { replay_policy: 'original' },
  inactive_threshold: { inactive_threshold: 5e9 },
  headers_only: { headers_only: true },
  backoff: { backoff: [1e9], max_deliver: 5 },
  mem_storage: { mem_storage: true },
};

const verdict = async (update: (config: Config) => Promise<unknown>, other: Config, before: Config): Promise<PropertyRow['mutability']> => {
  const took = (config: Config) =>
    update(config).then(
      () => true,
      (error: unknown) => {
        // one server has no second copy to make: that it looked for peers is its yes
        if (error instanceof BrokerRefused) return error.errCode === 10_074;
        throw error;
      },
    );
  if (!(await took({ ...before, ...other }))) return 'immutable';
  return (await took(before)) ? 'mutable' : 'enable-only';
};

it('is asked of the version that the table names', () => {
  expect(server.version).toBe(VERIFIED_ON);
});

describe('a stream’s', () => {
  let name: string;
  let made = 0;
  // a name of its own each time: one that was deleted a moment ago may still be on its way off the disk
  beforeEach(async () => {
    name = `T${made++}`;
    await broker.api(`STREAM.CREATE.${name}`, { ...STREAM, name });
  });
  afterEach(() => broker.api(`STREAM.DELETE.${name}`));

  it.each(Object.entries(streamProperties))('%s', async (property, { mutability }) => {
    expect(await verdict((config) => broker.api(`STREAM.UPDATE.${name}`, config), otherOfStream[property] ?? {}, { ...STREAM, name })).toBe(mutability);
  });

  it('share, lowered, costs the oldest messages of a subject, although it discards new', async () => {
    for (let i = 0; i < 100; i += 1) await broker.nc.request('t.a', Buffer.alloc(10));
    await broker.api(`STREAM.UPDATE.${name}`, { ...STREAM, name, max_msgs_per_subject: 50 });
    expect(await broker.api(`STREAM.INFO.${name}`)).toMatchObject({ state: { messages: 50, first_seq: 51 } });
  });

  it('bytes, lowered, cost nothing, as it discards new', async () => {
    for (let i = 0; i < 100; i += 1) await broker.nc.request('t.a', Buffer.alloc(10));
    await broker.api(`STREAM.UPDATE.${name}`, { ...STREAM, name, max_bytes: 1_000 });
    expect(await broker.api(`STREAM.INFO.${name}`)).toMatchObject({ state: { messages: 100 } });
  });
});

const update = (config: Config) => {
  const filter = String(config['filter_subject']);
  return broker.api(`CONSUMER.CREATE.T.d${filter === '' ? '' : `.${filter}`}`, { stream_name: 'T', config, action: 'update' });
};

describe('a durable’s', () => {
  beforeAll(() => broker.api('STREAM.CREATE.T', STREAM));
  beforeEach(() => broker.api('CONSUMER.CREATE.T.d.t.a', { stream_name: 'T', config: DURABLE, action: 'create' }));
  afterEach(() => broker.api('CONSUMER.DELETE.T.d'));

  it.each(Object.entries(consumerProperties))('%s', async (property, { mutability }) => {
    expect(await verdict(update, otherOfConsumer[property] ?? {}, DURABLE)).toBe(mutability);
  });
});
