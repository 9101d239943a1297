// A tenant that sends at its even pace whatever others do, and its receiver, in a process of their own: what it measures is the plane, and not what else the test's process does.
// Argument: { url, key, tenant } as JSON. Says { receiver } at once, and for each line { name, events, perSecond } that it reads, how that went: a `NeighbourReport`.
import { createInterface } from 'node:readline';
import { Books, eventually, sendUntilAnswered, startReceiver, type ToSend, type Tried } from '@spillway/testing';
import type { NeighbourOptions, NeighbourReport } from './neighbour.ts';

const { url, key, tenant } = JSON.parse(process.argv[2] as string) as { url: string; key: string; tenant: string };
const say = (what: unknown): unknown => process.stdout.write(`${JSON.stringify(what)}\n`);
const receiver = await startReceiver();

const report = async ({ name, events, perSecond }: NeighbourOptions): Promise<NeighbourReport> => {
  const books = new Books(() => [tenant]);
  const [acceptedAt, receivedAt] = [new Map<string, number>(), new Map<string, number>()];
  const answers: Record<string, number> = {};
  receiver.handler = (request) => {
    books.arrived(request);
    receivedAt.set(String(request.headers['webhook-id']), request.at);
    return 200;
  };
  const onTried = (tried: Tried): void => {
    books.tried(tried);
    const how = String(tried.answer?.status ?? tried.error);
    answers[how] = (answers[how] ?? 0) + 1;
    if (tried.answer?.status === 202) acceptedAt.set((JSON.parse(tried.answer.body) as { id: string }).id, Date.now());
  };
  const toSend = Array.from({ length: events }, (_, i): ToSend => ({ id: `${name}-${i}`, tenant, type: 'a', data: `{"n":${i},"pad":"${'x'.repeat(900)}"}` }));
  await sendUntilAnswered({ url, key, events: toSend, connections: 16, ratePerSecond: perSecond, onTried });
  await eventually(() => {
    const { length } = books.missing();
    if (length > 0) throw new Error(`${length} of the neighbour's events have not arrived`);
  }, 60_000).catch(() => undefined); // its totals say how many are lost
  // it may be there before its 202 is
  const acceptedToReceivedMs = [...acceptedAt].map(([id, at]) => Math.max(0, (receivedAt.get(id) ?? at) - at)).toSorted((a, b) => a - b);
  return { totals: books.totals(), answers, acceptedToReceivedMs };
};

say({ receiver: receiver.url });
for await (const line of createInterface({ input: process.stdin })) say(await report(JSON.parse(line) as NeighbourOptions));
await receiver.stop();
