import type { OrderedHeads } from './ordered-heads.ts';
import { NoLongerOurs, type Plane, type Settled, type Step, type Waits } from './plane.ts';

/**
 * The one place where a delivery leaves where it waited. The order is the promise: where it goes first, then what happened, then removal;
 * a crash between two lines repeats a step under the same id, and loses nothing.
 * @returns `until told` for what stays where it is until a reason has ended
 */
export const settle = async (step: Step, settled: Settled, plane: Plane, heads?: OrderedHeads): Promise<'until told' | undefined> => {
  const { from } = settled;
  if (heads && isWaiting(step)) return holdInPlace(step, settled, plane, heads);
  if (step.next.go === 'stays') return step.next.untilTold === true ? 'until told' : undefined;
  // most deliveries go nowhere: a promise less for each of them
  const taken = step.next.go === 'nowhere' ? step : await plane.move(step, settled);
  await plane.record(taken, settled);
  // lost meanwhile: whoever owns the shard now has it too, and decides
  if (from.owned()) from.remove();
  return undefined;
};

const isWaiting = (step: Step): step is Waits => step.next.go === 'waits';

/** An ordered endpoint's head: its key first, then what happened; and it stays where it is. */
const holdInPlace = async ({ next, ...step }: Waits, settled: Settled, plane: Plane, heads: OrderedHeads): Promise<'until told'> => {
  const { from, meta } = settled;
  const isHeld = await heads.hold(meta.endpointId, { origin: from.origin, attempt: next.attempt, dueAt: next.at.toISOString() }, () => from.owned());
  if (!isHeld) throw new NoLongerOurs(from.origin);
  await plane.record({ next, ...step }, settled);
  return 'until told';
};
