import type { Logger } from '@spillway/telemetry';
import { Redis } from 'ioredis';

/** So that a Redis that came back is used again within two seconds. */
const RECONNECT_MAX_MS = 1_000;
/** What has said nothing for so long, although it was asked, is connected to anew: a network that was cut tells nobody. */
const SILENT_MAX_MS = 10_000;
const CONNECT_WITHIN_MS = 5_000;
/** The same trouble is said once in a while, not at each try. */
const SAY_AGAIN_AFTER_MS = 30_000;

/** A connection that never keeps a command for later: what cannot be asked now is decided without it. Reconnects for ever. */
export const connectRedis = (url: string, log: Logger): Redis => {
  const redis = new Redis(url, {
    protocol: 2,
    connectionName: 'spillway-dedupe',
    disableClientInfo: true,
    enableReadyCheck: false, // would ask for INFO first; while it loads, it refuses, and that is a fault like others
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0, // a closed connection rejects at once what it had taken
    connectTimeout: CONNECT_WITHIN_MS,
    socketTimeout: SILENT_MAX_MS,
    retryStrategy: (times) => Math.min(RECONNECT_MAX_MS, 50 * 2 ** Math.min(times, 5)) * (0.75 + Math.random() / 2),
  });
  let saidAt = Number.NEGATIVE_INFINITY;
  redis.on('error', (error: Error) => {
    if (performance.now() - saidAt < SAY_AGAIN_AFTER_MS) return;
    saidAt = performance.now();
    log.warn({ err: error }, 'the connection to dedupe’s Redis failed, and is tried again');
  });
  return redis;
};
