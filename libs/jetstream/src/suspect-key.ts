import type { StreamName } from '@spillway/topology';

const PREFIX = 'suspect.';

/** In `webhook_leases`: what is known of a message that may crash whoever works it. Stored before it is worked, gone when it ended well. */
export const suspectKey = (app: string, stream: StreamName, sequence: number): string => `${PREFIX}${app}.${stream}.${sequence}`;

/** All of an app, as a filter. */
export const suspectKeysOf = (app: string): string => `${PREFIX}${app}.>`;

export const readSuspectKey = (key: string): { stream: string; sequence: number } | undefined => {
  const match = /^suspect\.[\w-]+\.(\w+)\.(\d+)$/.exec(key);
  return match ? { stream: match[1] as string, sequence: Number(match[2]) } : undefined;
};

/** Of the message with this origin (`<stream>@<creation time>:<sequence>`). */
export const streamOf = ({ origin }: { origin: string }): StreamName => origin.slice(0, origin.indexOf('@')) as StreamName;

export const isSuspectKey = (key: string): boolean => key.startsWith(PREFIX);
