import type { Fact } from '@spillway/contracts';
import { ParkedFacts } from './parked-facts.ts';

/** A ledger whose answers are given by hand, one after the other. */
const given = () => {
  const written: { deliveries: string[]; end: (error?: Error) => void }[] = [];
  const record = (_tenant: string, fact: Fact): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    written.push({ deliveries: fact.type === 'delivery.parked' ? [...fact.deliveries] : [], end: (error) => (error ? reject(error) : resolve()) });
    return promise;
  };
  const facts = new ParkedFacts('dispatcher', record, () => new Date('2026-02-01T00:00:00Z'));
  return { written, add: (delivery: string) => facts.add('acme', 'ep_1', delivery, 'cap') };
};
const aTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const untilWritten = async (written: unknown[], count: number): Promise<void> => {
  for (let turns = 0; written.length < count && turns < 100; turns += 1) await aTurn();
  expect(written).toHaveLength(count);
};

it('shares the next fact among what is parked while one is being written', async () => {
  const { written, add } = given();
  const first = add('dlv_1');
  await untilWritten(written, 1);
  const shared = [add('dlv_2'), add('dlv_3')];
  written[0]?.end();
  await first;
  await untilWritten(written, 2);
  written[1]?.end();
  await Promise.all(shared);
  expect(written.map(({ deliveries }) => deliveries)).toEqual([['dlv_1'], ['dlv_2', 'dlv_3']]);
});

it('is told of a fact that was not written, and of no other: what was parked behind it has one of its own', async () => {
  const { written, add } = given();
  const first = add('dlv_1');
  await untilWritten(written, 1);
  const behind = add('dlv_2');
  written[0]?.end(new Error('refused'));
  await expect(first).rejects.toThrow('refused');
  await untilWritten(written, 2);
  written[1]?.end();
  await behind;
  const later = add('dlv_3');
  await untilWritten(written, 3);
  written[2]?.end();
  await later;
  expect(written.map(({ deliveries }) => deliveries)).toEqual([['dlv_1'], ['dlv_2'], ['dlv_3']]);
});
