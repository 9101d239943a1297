// A producer that sends all it has many times over, in random order and in batches, with its receiver and its books: in a process of their own, and behind everybody else on processors
// that are not theirs in any plane but a test's. What they cost must not be measured as what they cost others.
// Argument: `FloodOptions` as JSON. Says { receiver } at once, and { accepted, arrived } every tenth of a second. Told { from, to }, shares of all, it sends that part and says { sent };
// told { fault } it notes one, or with null the end of the last; told { report } it says how it went.
import { constants, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { Books, seeded, sendUntilAnswered, startReceiver, type ToSend, type Tried } from '@spillway/testing';
import type { FloodOptions, FloodReport } from './flood.ts';

type Told = { from: number; to: number } | { fault: string | null } | { report: string };

const { url, key, tenant, unique, times, withinMs } = JSON.parse(process.argv[2] as string) as FloodOptions;
const say = (what: unknown): unknown => process.stdout.write(`${JSON.stringify(what)}\n`);

const random = seeded();
const books = new Books(() => [tenant]);
const receiver = await startReceiver((request) => {
  books.arrived(request);
  return 200;
});
const once = Array.from({ length: unique }, (_, i): ToSend => ({ id: `event-${i}`, tenant, type: 'kind.0', data: `{"n":${i}}` }));
const events = random.shuffle(Array.from({ length: times }, () => once).flat());
let accepted = 0;
let over = (): void => undefined;

const onTried = (tried: Tried): void => {
  books.tried(tried);
  if (tried.answer?.status === 202) accepted += 1;
};
setInterval(() => say({ accepted, arrived: books.arrivedCount }), 100);

const sendPart = async (from: number, to: number): Promise<void> => {
  await sendUntilAnswered({ url, key, events: events.slice(from * events.length, to * events.length), connections: 8, batchOf: 100, onTried, withinMs });
  say({ accepted, arrived: books.arrivedCount });
  say({ sent: true });
};

say({ receiver: receiver.url });
// not the lowest there is: its receiver answers within the 15 s of an attempt also where much else is going on
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line) as Told;
  if ('from' in told) void sendPart(told.from, told.to);
  else if ('fault' in told) over = told.fault === null ? (over(), () => undefined) : books.fault(told.fault, 'nothing');
  else say({ totals: books.totals(), text: books.print(`${told.report}, seed ${random.seed}`) } satisfies FloodReport);
}
// also in the middle of it all
process.exit();
