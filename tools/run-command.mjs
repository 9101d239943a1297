import { spawn } from 'node:child_process';

/** So much of the end of a failing command's output is worth showing. */
const OUTPUT_TAIL_CHARACTERS = 4_000;

export class CommandFailed extends Error {
  /** @param {string} message @param {string} output */
  constructor(message, output) {
    super(message);
    this.name = 'CommandFailed';
    this.output = output;
  }
}

/**
 * Runs a command to its end and gives what it wrote to stdout; its stderr shows only in the error of one that fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<string>}
 */
export const runCommand = (command, args, { cwd, env, timeoutMs = 120_000 } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    // not spawn's own `timeout`: its timer outlives a command that could not be started, and holds the whole process up
    const kill = () => child.kill('SIGKILL');
    const timer = setTimeout(kill, timeoutMs);
    process.once('exit', kill); // what we wait for has no business without us
    const over = () => {
      clearTimeout(timer);
      process.off('exit', kill);
    };
    let stdout = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      all += text;
    });
    child.on('error', (error) => {
      over();
      reject(new CommandFailed(`${command} cannot be run: ${error.message}`, ''));
    });
    child.on('close', (code, signal) => {
      over();
      if (code === 0) resolve(stdout);
      else reject(new CommandFailed(`${command} ${args[0] ?? ''} ended with ${signal ?? `exit code ${code}`}`, all.slice(-OUTPUT_TAIL_CHARACTERS).trim()));
    });
  });
