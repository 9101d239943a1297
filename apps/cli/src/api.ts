import { CommandFailed, type Cli } from './cli.ts';
import { profileOf } from './profile.ts';

/** An operator waits no longer; the services' own deadlines are shorter. */
const DEADLINE_MS = 15_000;

export type Problem = { status: number; code?: string; detail?: string; errors?: { field?: string; detail?: string; message?: string; wanted?: string }[] };

type Request = { method?: string; path: string; body?: string | Record<string, unknown>; headers?: Record<string, string> };

/** One request to the console or to ingest. @throws CommandFailed with what the service said, in its words */
export const call = async <T>(cli: Cli, service: 'console' | 'ingest', { method = 'GET', path, body, headers = {} }: Request): Promise<T> => {
  const profile = profileOf(cli);
  if (!profile.key) throw new CommandFailed('no key: set SPILLWAY_KEY, or run this where npm start runs');
  const url = new URL(path, profile[service]);
  const answer = await sent(url, {
    method,
    headers: { authorization: `Bearer ${profile.key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const text = await answer.text();
  if (!answer.ok) throw refusal(url, answer.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
};

const sent = async (url: URL, init: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const why = cause instanceof Error ? (cause.cause instanceof Error && cause.cause.message ? cause.cause.message : cause.message) : String(cause);
    throw new CommandFailed(`no answer from ${url.origin}: ${why}. Is it running? SPILLWAY_URL and SPILLWAY_INGEST_URL say where to ask.`, { code: 'unreachable', url: url.origin }, { cause });
  }
};

const refusal = (url: URL, status: number, text: string): CommandFailed => {
  const problem = readProblem(status, text);
  const fields = (problem.errors ?? []).map(({ field, detail, message, wanted }) => `\n  ${field ?? '?'}: ${detail ?? message ?? `wanted ${wanted ?? 'something else'}`}`).join('');
  return new CommandFailed(`${problem.detail ?? `${url.pathname} answered ${status}`} (${status}${problem.code ? ` ${problem.code}` : ''})${fields}`, { status, problem });
};

const readProblem = (status: number, text: string): Problem => {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return { status, detail: text.slice(0, 500) || undefined };
  }
};
