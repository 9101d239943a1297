/**
 * A process that works the parked subjects of the shards it wins, as the dispatcher does, and says on standard output what it does. Run by
 * faults/takeover.int.spec.ts, which kills and freezes it. Arguments: where the broker is, the replica's name.
 */
import { queues } from '@spillway/topology';
import { Broker } from '../src/broker.ts';
import { Publisher } from '../src/publisher.ts';
import { ShardOwner } from '../src/shard-owner.ts';
import type { SubjectMessage } from '../src/subject-message.ts';
import { SubjectOwner } from '../src/subject-owner.ts';
import { testLog } from '../src/testing/index.ts';
import type { Said } from './worker-process.ts';

const [servers = '', replica = ''] = process.argv.slice(2);
const say = (what: Said['what'], subject: string): void => void process.stdout.write(`${JSON.stringify({ what, subject, at: Date.now() } satisfies Said)}\n`);
// it does not outlive the test
process.stdin.resume().on('end', () => process.exit());

const broker = await Broker.connect({ servers, name: replica, log: testLog });
const publisher = new Publisher(broker, 'WEBHOOK_RETRY');

/** An attempt of about 100 ms; one in five then goes to the calendar, under an id that names this step. */
const attempt = async (message: SubjectMessage): Promise<void> => {
  const id = message.headers.get('ce-id') ?? '';
  if (!message.owned()) return;
  say('begun', id);
  await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
  if (!message.owned()) return;
  if (Number(id) % 5 === 0) await publisher.persist('webhook.retry.at.0.20300101T00.0000', [['Nats-Msg-Id', message.origin], ['ce-id', id]], message.data);
  if (!message.owned()) return;
  message.remove();
  say('settled', id);
};

const owner = new ShardOwner({
  broker,
  app: 'dispatcher',
  replica,
  log: testLog,
  tickEveryMs: 20,
  open: (shard, lease) => {
    say('won', String(shard));
    return new SubjectOwner({ broker, row: queues['parked-first'], shard, world: 'WEBHOOK_PARKED@t0', mayAct: () => lease.owned(), room: (_subject, held) => 1 - held, take: attempt, log: testLog });
  },
});
owner.start();
process.once('SIGTERM', () => void owner.drain().then(() => process.exit()));
