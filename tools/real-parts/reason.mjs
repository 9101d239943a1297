import { CommandFailed } from '../run-command.mjs';

/** One line, with the innermost cause: fetch says only "fetch failed" itself. @param {unknown} error */
export const reasonOf = (error) => {
  if (!(error instanceof Error)) return String(error);
  const detail = error instanceof CommandFailed ? error.output.split('\n').at(-1) : error.cause instanceof Error ? error.cause.message : '';
  return detail ? `${error.message}: ${detail}` : error.message;
};
