/** What every command gets from the program that runs it. A file of commands exports `register…(program: Command, cli: Cli)` and is named in `program.ts`. */
export type Cli = {
  env: NodeJS.ProcessEnv;
  /** Where `.spillway/` is looked for, the data directory of `npm start`. */
  cwd: string;
  /** `--json` was given: machines read the answer. */
  json: () => boolean;
  /** The answer: as JSON for machines, else as `human` says it. */
  print: (answer: unknown, human: () => string) => void;
  /** Beside the answer, to standard error. */
  note: (text: string) => void;
  readStdin: () => Promise<Buffer>;
};

/** Refused or failed: said on standard error (as JSON with `--json`), exit code 1. */
export class CommandFailed extends Error {
  constructor(
    message: string,
    /** What a machine reads beside the message. */
    readonly extra: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CommandFailed';
  }
}

/** What was typed makes no sense: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
