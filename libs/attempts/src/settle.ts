import type { Plane, Settled, Step } from './plane.ts';

/**
 * The one place where a delivery leaves where it waited. The order is the promise: where it goes first, then what happened, then removal;
 * a crash between two lines repeats a step under the same id, and loses nothing.
 * @returns `until told` for what stays where it is until a reason has ended
 */
export const settle = async (step: Step, settled: Settled, plane: Plane): Promise<'until told' | undefined> => {
  const { from } = settled;
  if (step.next.go === 'stays') return step.next.untilTold === true ? 'until told' : undefined;
  // most deliveries go nowhere: a promise less for each of them
  const taken = step.next.go === 'nowhere' ? step : await plane.move(step, settled);
  await plane.record(taken, settled);
  // lost meanwhile: whoever owns the shard now has it too, and decides
  if (from.owned()) from.remove();
  return undefined;
};
