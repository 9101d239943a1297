import 'reflect-metadata';
import { startRedis } from '@spillway/testing';
import { dedupesBehind } from '../../test/dedupe-index.features.ts';

dedupesBehind({
  name: 'Redis',
  windowMs: 86_400_000,
  start: async () => {
    const redis = await startRedis({ password: 'secret' });
    return {
      env: { SPILLWAY_DEDUPE_REDIS_URL: redis.url },
      claimed: async (keys) => {
        const size = Number(await redis.ask('DBSIZE'));
        if (size < keys) throw new Error(`${size} keys in Redis`);
      },
      stop: () => redis.stop(),
    };
  },
});
