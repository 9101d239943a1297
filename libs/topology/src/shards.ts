/** Fixed when a plane is first provisioned: a different number would send an endpoint's deliveries to another home than those that wait. */
export const SHARDS = 8;

/** FNV-1a over the id's characters (ids are ASCII): stable over processes, versions and languages. */
export const shardOf = (endpointId: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < endpointId.length; i += 1) hash = Math.imul(hash ^ endpointId.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SHARDS;
};

export const allShards: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);
