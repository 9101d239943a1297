const PREFIX = 'suspect.';

/** In `webhook_leases`: what is known of a message that may crash whoever works it. Stored before it is worked, gone when it ended well. */
export const suspectKey = (app: string, origin: string): string => `${PREFIX}${app}.${streamOf(origin)}.${origin.slice(origin.lastIndexOf(':') + 1)}`;

/** All of an app, as a filter. */
export const suspectKeysOf = (app: string): string => `${PREFIX}${app}.>`;

/** Stream and sequence; of what stands on a page, the page's. */
export const readSuspectKey = (key: string): { stream: string; sequence: number } | undefined => {
  const match = /^suspect\.[\w-]+\.(\w+)\.(\d+)(?:-\d+)?$/.exec(key);
  return match ? { stream: match[1] as string, sequence: Number(match[2]) } : undefined;
};

export const isSuspectKey = (key: string): boolean => key.startsWith(PREFIX);

/** Of an origin (`<stream>@<creation time>:<sequence>[-<place>]`). */
const streamOf = (origin: string): string => origin.slice(0, origin.indexOf('@'));
