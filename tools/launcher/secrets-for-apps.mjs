import { dedupeRedisPortOffset, natsUsers } from './apps.mjs';
import { dataPaths } from './data-folder.mjs';
import { openSecrets } from './secrets.mjs';

/**
 * Everything that a row of the table may ask for. A Redis that the environment names is taken as it is; without any, dedupe runs on what JetStream
 * remembers.
 * @param {import('./settings.mjs').Settings} settings @param {{ hasRedis: boolean }} found
 * @returns {import('./environment.mjs').Secrets}
 */
export const secretsFor = ({ dataFolder, env, portBase }, { hasRedis }) => {
  const secrets = openSecrets(dataPaths(dataFolder).secrets, env, natsUsers);
  const ours = hasRedis ? `redis://:${secrets.dedupeRedisPassword}@127.0.0.1:${portBase + dedupeRedisPortOffset}` : undefined;
  return { ...secrets, SPILLWAY_DEDUPE_REDIS_URL: env.SPILLWAY_DEDUPE_REDIS_URL || ours };
};
