/** Whether it was done in time. What takes longer goes on by itself; what fails in time throws. */
export const doneWithin = async (work: Promise<unknown>, budgetMs: number): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((done) => {
    timer = setTimeout(() => done(false), budgetMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
};
