/** A command that cannot go on for a reason the person at the keyboard can mend: printed as it is, without a stack. */
export class Refusal extends Error {
  /** @param {string} message @param {{ exitCode?: number, cause?: unknown }} [options] */
  constructor(message, { exitCode = 1, cause } = {}) {
    super(message, { cause });
    this.name = 'Refusal';
    this.exitCode = exitCode;
  }
}

/**
 * What every file that npm starts ends in: the exit code, or the reason in words.
 * @param {() => Promise<number>} main
 */
export const runAsCommand = async (main) => {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof Refusal) console.error(`\n${error.message}\n`);
    else console.error(error);
    process.exitCode = error instanceof Refusal ? error.exitCode : 1;
  }
};
