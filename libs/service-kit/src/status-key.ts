import { createHash, timingSafeEqual } from 'node:crypto';
import { ProblemError } from './problem-error.ts';
import type { ServiceConfig } from './service-config.ts';

export const isLoopback = (bind: string): boolean => /^(?:localhost|::1|\[::1\]|(?:::ffff:)?127(?:\.\d{1,3}){3})$/i.test(bind);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * On loopback whoever can reach the port may look; off it, who knows the key. Judged by where the app listens, not by who
 * asks: behind a proxy on the same machine everybody comes from 127.0.0.1.
 * @throws {ProblemError} 401, or 403 when there is no key to know
 */
export const requireStatusKey = ({ bind, statusKey }: Pick<ServiceConfig, 'bind' | 'statusKey'>, authorization: string | undefined): void => {
  if (isLoopback(bind)) return;
  if (!statusKey) throw new ProblemError(403, 'status_key_unset', `this app listens on ${bind}, so this page needs SPILLWAY_STATUS_KEY to be set`);
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '';
  if (timingSafeEqual(digest(given), digest(statusKey))) return; // of digests: equal in length whatever was given
  throw new ProblemError(401, 'unauthenticated', 'wanted: Authorization: Bearer <the value of SPILLWAY_STATUS_KEY>', {}, { 'www-authenticate': 'Bearer' });
};
