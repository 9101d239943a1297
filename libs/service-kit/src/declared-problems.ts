import { ProblemError } from './problem-error.ts';

/** A code as data, for the answer and for the description of the API alike. */
export type ProblemDeclaration = {
  status: number;
  /** When it is answered: a clause for who reads the API's description. */
  means: string;
  /** That it always carries, in lower case. */
  headers?: readonly string[];
};

export type ProblemTable = Readonly<Record<string, ProblemDeclaration>>;

type Raise<Code extends string> = (code: Code, detail: string, extra?: Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>) => ProblemError;

/** Answers from a table of codes: one that nobody declared does not compile. */
export const raiseFrom =
  <T extends ProblemTable>(table: T): Raise<keyof T & string> =>
  (code, detail, extra, headers) =>
    new ProblemError((table[code] as ProblemDeclaration).status, code, detail, extra, headers);
