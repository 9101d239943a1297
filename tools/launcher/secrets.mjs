import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Made once and kept: a second start on the same data must know the same. @param {string} file @param {() => string} make */
const keptIn = (file, make) => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
  const value = make();
  writeFileSync(file, `${value}\n`, { mode: 0o600 });
  return value;
};

/**
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env what is set there wins and is not written down
 * @param {readonly string[]} natsUsers
 */
export const openSecrets = (folder, env, natsUsers) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    SPILLWAY_ADMIN_KEY: env.SPILLWAY_ADMIN_KEY || keptIn(join(folder, 'admin-key'), () => `spk_admin_${randomBytes(32).toString('base64url')}`),
    // seals endpoints' secrets: AES-256 wants 32 bytes
    SPILLWAY_MASTER_KEY: env.SPILLWAY_MASTER_KEY || keptIn(join(folder, 'master-key'), () => randomBytes(32).toString('base64')),
    dedupeRedisPassword: keptIn(join(folder, 'dedupe-redis'), () => randomBytes(24).toString('hex')),
    // hex, so that no character means anything in NATS's configuration; base64url may begin like a number there
    natsPasswords: Object.fromEntries(natsUsers.map((user) => [user, keptIn(join(folder, `nats-${user}`), () => `pw${randomBytes(24).toString('hex')}`)])),
  };
};

/** @typedef {ReturnType<typeof openSecrets>} Secrets */
