import { Command, CommanderError } from 'commander';
import { CommandFailed, EXIT, UsageError, type Cli } from './cli.ts';
import { registerDead } from './dead.ts';
import { registerEndpoints } from './endpoints.ts';
import { registerProvision } from './provision.ts';
import { registerRetries } from './retries.ts';
import { registerSend } from './send.ts';
import { registerStatus } from './status.ts';
import { registerStreams } from './streams.ts';

export type Streams = { out: (text: string) => void; err: (text: string) => void; stdin: () => Promise<Buffer> };

/** The whole of `spillway`. Whatever is added here works with `--json`, says what went wrong on standard error, and keeps to the exit codes. */
export const programOf = (env: NodeJS.ProcessEnv, cwd: string, streams: Streams): { program: Command; cli: Cli } => {
  // exitOverride before the commands: they inherit it
  const program = new Command('spillway').exitOverride().configureOutput({ writeOut: streams.out, writeErr: streams.err });
  program.description('Operate a Spillway plane.').option('--json', 'print JSON, for machines').showHelpAfterError('(--help says more)');
  const json = () => program.opts<{ json?: boolean }>().json === true;
  const cli: Cli = {
    env,
    cwd,
    json,
    print: (answer, human) => streams.out(`${json() ? JSON.stringify(answer, undefined, 2) : human()}\n`),
    note: (text) => streams.err(`${text}\n`),
    readStdin: streams.stdin,
  };
  // each loads what it needs when it runs: what speaks NATS costs ten times the rest (0.6 s of CPU)
  for (const register of [registerStatus, registerSend, registerEndpoints, registerRetries, registerDead, registerProvision, registerStreams]) register(program, cli);
  return { program, cli };
};

/** @returns the exit code: 0 done, 1 refused or failed, 2 wrong usage */
export const run = async (args: readonly string[], env: NodeJS.ProcessEnv, cwd: string, streams: Streams): Promise<number> => {
  const { program, cli } = programOf(env, cwd, streams);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    // commander has said it already; its code 0 is --help
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof UsageError) return complain(streams, cli, error, EXIT.usage);
    return complain(streams, cli, error, EXIT.failed);
  }
};

const complain = (streams: Streams, cli: Cli, error: unknown, exitCode: number): number => {
  const known = error instanceof CommandFailed || error instanceof UsageError;
  const message = error instanceof Error ? error.message : String(error);
  const extra = error instanceof CommandFailed ? error.extra : {};
  const remediation = (error as { remediation?: unknown }).remediation;
  if (cli.json()) streams.err(`${JSON.stringify({ error: message, ...extra, ...(remediation === undefined ? {} : { remediation }) })}\n`);
  else streams.err(`spillway: ${message}\n${typeof remediation === 'string' ? `${remediation}\n` : ''}`);
  if (!known && error instanceof Error && remediation === undefined) streams.err(`${error.stack ?? ''}\n`);
  return exitCode;
};
