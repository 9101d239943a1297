import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { SecretUnreadable } from './errors.ts';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What secrets at rest are sealed with. The first key seals; all of them open, so a new one can be put in front and the old one kept until nothing needs it. */
export type MasterKeys = { readonly current: string; readonly byId: ReadonlyMap<string, Buffer> };

/** One key or several: base64 of 32 bytes each. For validation of the environment and for {@link parseMasterKeys}. */
export const MASTER_KEYS_PATTERN = /^[A-Za-z0-9+/]{43}=(,[A-Za-z0-9+/]{43}=)*$/;

/** Eight hex digits of the key's hash: enough to tell a handful apart, and says nothing about the key. */
const idOf = (key: Buffer): string => createHash('sha256').update('spillway master key').update(key).digest('hex').slice(0, 8);

/** @throws RangeError */
export const parseMasterKeys = (text: string): MasterKeys => {
  if (!MASTER_KEYS_PATTERN.test(text)) throw new RangeError(`wanted base64 of ${KEY_BYTES} bytes (openssl rand -base64 ${KEY_BYTES}), several separated by commas`);
  const keys = text.split(',').map((part) => Buffer.from(part, 'base64'));
  const ids = keys.map(idOf);
  return { current: ids[0] as string, byId: new Map(keys.map((key, at) => [ids[at] as string, key])) };
};

/** A new key, as the environment wants it. */
export const newMasterKey = (): string => randomBytes(KEY_BYTES).toString('base64');

/**
 * AES-256-GCM as `<key id>.<iv, ciphertext and tag in base64url>`. `context` (the endpoint's id) is authenticated with it: a sealed secret copied into
 * another endpoint's record does not open. A random IV of 96 bits is good for 2 ** 32 secrets a key (NIST SP 800-38D, 8.3).
 */
export const seal = (keys: MasterKeys, text: string, context: string): string => {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(keys, keys.current), iv).setAAD(Buffer.from(context));
  const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${keys.current}.${sealed.toString('base64url')}`;
};

/** @throws SecretUnreadable */
export const unseal = (keys: MasterKeys, sealed: string, context: string): string => {
  const [id = '', payload = ''] = sealed.split('.');
  const bytes = Buffer.from(payload, 'base64url');
  const key = keyOf(keys, id);
  if (bytes.length < IV_BYTES + TAG_BYTES) throw new SecretUnreadable(`the sealed secret of ${context} is cut short`);
  const opener = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  opener.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return opener.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + opener.final('utf8');
  } catch (cause) {
    throw new SecretUnreadable(`the sealed secret of ${context} was changed, or belongs to another endpoint`, { cause });
  }
};

const keyOf = (keys: MasterKeys, id: string): Buffer => {
  const key = keys.byId.get(id);
  if (key === undefined) throw new SecretUnreadable(`no master key ${id}: this process holds ${[...keys.byId.keys()].join(', ')}`);
  return key;
};
