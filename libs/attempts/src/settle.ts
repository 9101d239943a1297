import type { Plane, Settled, Step } from './plane.ts';

/** What became of a message that was to be settled; `lost`: its shard went to another owner, who settles it. */
export type Settlement = 'removed' | 'left' | 'lost';

/**
 * The one place where a delivery leaves where it waited. The order is the promise: where it goes first, then what happened, then removal;
 * a crash between two lines repeats a step under the same id, and loses nothing.
 */
export const settle = async (step: Step, settled: Settled, plane: Plane): Promise<Settlement> => {
  const { from } = settled;
  if (step.next.go === 'stays') return 'left';
  const taken = await plane.move(step, settled);
  await plane.record(taken, settled);
  if (!from.owned()) return 'lost';
  from.remove();
  return 'removed';
};

