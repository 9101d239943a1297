const PREFIX = 'page.';

/** In `webhook_leases`: which places of a page are done with. Written when it is held for long, gone with the page. */
export const pageKey = (app: string, origin: string): string => `${PREFIX}${app}.${origin.slice(0, origin.indexOf('@'))}.${origin.slice(origin.lastIndexOf(':') + 1)}`;

/** All of an app, as a filter. */
export const pageKeysOf = (app: string): string => `${PREFIX}${app}.>`;

export const readPageKey = (key: string): { stream: string; sequence: number } | undefined => {
  const match = /^page\.[\w-]+\.(\w+)\.(\d+)$/.exec(key);
  return match ? { stream: match[1] as string, sequence: Number(match[2]) } : undefined;
};

export const isPageKey = (key: string): boolean => key.startsWith(PREFIX);
