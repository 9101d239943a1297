/** What matters of INFO: how much it holds, and whether it forgets before its time. */
export type RedisVitals = { version: string; usedBytes: number; maxBytes: number; policy: string; evictedKeys: number; keys: number };

/** `name:value` lines; `db0:keys=5,expires=5,avg_ttl=…`. */
export const readVitals = (info: string): RedisVitals => {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
  const keys = [...info.matchAll(/^db\d+:keys=(\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  return {
    version: field('redis_version'),
    usedBytes: Number(field('used_memory')),
    maxBytes: Number(field('maxmemory')),
    policy: field('maxmemory_policy'),
    evictedKeys: Number(field('evicted_keys')),
    keys,
  };
};

/** What an operator should know before it hurts. */
export const warningOf = ({ maxBytes, policy }: RedisVitals): string | undefined => {
  if (maxBytes === 0) return 'maxmemory is not set: it grows until the machine is full';
  if (!policy.startsWith('volatile-')) return `maxmemory-policy is ${policy}: when it is full it ${policy === 'noeviction' ? 'takes nothing more' : 'drops keys that are not dedupe’s, too'}; volatile-ttl is wanted`;
  return undefined;
};
