/**
 * `undefined` when it takes longer. When the time is up what has come in meanwhile is read first: after a stall of our own both the timer and the answer are there, and
 * the answer was not late. Its own failure is the caller's to see.
 */
export const withinMs = async <T>(answer: Promise<T>, deadlineMs: number): Promise<T | undefined> => {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => setImmediate(() => resolve(undefined)), deadlineMs);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
};
