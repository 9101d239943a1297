import { redisConfig } from './dedupe-redis.mjs';

it('is on loopback, behind a password, bounded, and forgets first what would end first', () => {
  const config = redisConfig({ port: 8092, password: 'pw', folder: '/data with blanks' });
  expect(config.split('\n')).toEqual(expect.arrayContaining(['bind 127.0.0.1', 'port 8092', 'requirepass pw', 'maxmemory 256mb', 'maxmemory-policy volatile-ttl', 'dir "/data with blanks"']));
});
