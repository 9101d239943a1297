import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InfrastructureError } from './errors.ts';

/** Creation times by stream, as the server spells them. */
export type Pins = Readonly<Record<string, string>>;

type PinsFile = { streams: Pins };

const isPinsFile = (value: unknown): value is PinsFile => {
  const streams = (value as PinsFile | null)?.streams;
  return typeof streams === 'object' && streams !== null && Object.values(streams).every((created) => typeof created === 'string');
};

export class PinsUnreadable extends InfrastructureError {
  constructor(file: string, why: string, options?: ErrorOptions) {
    super('SPILLWAY_WORLDS_UNREADABLE', `${file} (SPILLWAY_WORLDS_FILE) ${why}`, 'Restore the file, or, where this broker is known to be the right one, remove it and run spillway provision.', options);
  }
}

/** `undefined` when there is no such file. @throws PinsUnreadable */
export const readPins = async (file: string): Promise<Pins | undefined> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new PinsUnreadable(file, 'cannot be read', { cause: error });
  });
  if (text === undefined) return undefined;
  const parsed = parse(file, text);
  if (!isPinsFile(parsed)) throw new PinsUnreadable(file, 'does not hold { "streams": { <name>: <creation time> } }');
  return parsed.streams;
};

const parse = (file: string, text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PinsUnreadable(file, 'is no JSON', { cause: error });
  }
};

/** All or nothing, and on disk: half a file, or the old one after a power cut, would refuse the plane's own streams. */
export const writePins = async (file: string, streams: Pins): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  const handle = await open(draft, 'w');
  try {
    await handle.writeFile(`${JSON.stringify({ streams } satisfies PinsFile, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
};
