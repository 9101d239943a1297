import { isNativeError } from 'node:util/types';
import { openResources, stillOpen } from './still-open.mjs';

/** @typedef {import('./still-open.mjs').AfterFile} AfterFile */

const MESSAGE_CHARS_MAX = 300;

/** @param {unknown} error @param {string} root @returns {string} its message, and the first line of its stack that is ours */
const inOneLine = (error, root) => {
  if (!isNativeError(error)) return String(error); // `instanceof` knows nothing of jest's sandbox
  const { message, stack = '' } = error;
  const lines = stack.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('at '));
  const ours = lines.find((line) => line.includes(root) && !line.includes('node_modules')) ?? lines[0] ?? '';
  return `${message.split('\n')[0]?.slice(0, MESSAGE_CHARS_MAX)} ${ours.replaceAll(`${root}/`, '').replace('file://', '')}`.trim();
};

/**
 * From the last test to the end of the process. What goes wrong there belongs to no test, and would show as an exit code only: it is told in words.
 * @param {{ root: string, withinMs: number, files: readonly AfterFile[], exitCode: number, tell: (end: string | undefined) => void }} given
 *   `exitCode` is what jest means to end with; `tell` is told how it ended, `undefined` for as it should
 */
export const watchTheEnd = ({ root, withinMs, files, exitCode, tell }) => {
  // stands if nothing below comes to pass
  tell('the process did not end by itself after the last test: it crashed, or was killed');
  let known = false;
  const learn = (/** @type {string} */ end) => {
    known = true;
    tell(end);
  };
  process.on('uncaughtExceptionMonitor', (error, origin) => learn(`${origin === 'unhandledRejection' ? 'an unhandled rejection' : 'uncaught'} after the last test: ${inOneLine(error, root)}`));
  process.on('exit', (code) => {
    // 0 even when tests failed: jest sets its exit code in a listener after this one
    if (!known) tell(code === 0 || code === exitCode ? undefined : `the process ended with exit code ${code} after the last test`);
  });
  // without this a forgotten handle would hold up the whole run for ever; unref'd, so that it is no such handle itself
  setTimeout(() => {
    const end = `the process did not end within ${withinMs / 1_000} s after the last test, still open: ${stillOpen(openResources(), files)}`;
    learn(end);
    console.error(end);
    process.exit(1);
  }, withinMs).unref();
};
