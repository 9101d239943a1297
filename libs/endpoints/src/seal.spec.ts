import { SecretUnreadable } from './errors.ts';
import { newMasterKey, parseMasterKeys, seal, unseal } from './seal.ts';

const keys = parseMasterKeys(newMasterKey());

describe('seal', () => {
  it('gives back what it was given, and shows nothing of it', () => {
    const sealed = seal(keys, 'whsec_c2VjcmV0', 'ep_1');
    expect(unseal(keys, sealed, 'ep_1')).toBe('whsec_c2VjcmV0');
    expect(sealed).not.toContain('whsec_');
    expect(sealed.startsWith(`${keys.current}.`)).toBe(true);
  });

  it('never seals the same text to the same bytes', () => {
    expect(seal(keys, 'whsec_c2VjcmV0', 'ep_1')).not.toBe(seal(keys, 'whsec_c2VjcmV0', 'ep_1'));
  });

  it('does not open in the record of another endpoint', () => {
    expect(() => unseal(keys, seal(keys, 'whsec_c2VjcmV0', 'ep_1'), 'ep_2')).toThrow(SecretUnreadable);
  });

  it('does not open when one byte of it was changed, or when it was cut', () => {
    const sealed = seal(keys, 'whsec_c2VjcmV0', 'ep_1');
    const [id, payload] = sealed.split('.') as [string, string];
    const bytes = Buffer.from(payload, 'base64url');
    bytes[14] = (bytes[14] as number) ^ 1;
    expect(() => unseal(keys, `${id}.${bytes.toString('base64url')}`, 'ep_1')).toThrow(SecretUnreadable);
    expect(() => unseal(keys, `${id}.AAAA`, 'ep_1')).toThrow(/cut short/);
    expect(() => unseal(keys, '', 'ep_1')).toThrow(SecretUnreadable);
  });

  it('opens under the old key after a new one was put in front, and seals under the new one', () => {
    const [oldKey, newKey] = [newMasterKey(), newMasterKey()];
    const sealed = seal(parseMasterKeys(oldKey), 'whsec_c2VjcmV0', 'ep_1');
    const both = parseMasterKeys(`${newKey},${oldKey}`);
    expect(unseal(both, sealed, 'ep_1')).toBe('whsec_c2VjcmV0');
    expect(seal(both, 'x', 'ep_1').slice(0, 8)).toBe(parseMasterKeys(newKey).current);
    expect(() => unseal(parseMasterKeys(newKey), sealed, 'ep_1')).toThrow(/no master key/);
  });

  it.each([['', 'empty'], ['abc', 'short'], [Buffer.alloc(16).toString('base64'), '16 bytes'], [`${newMasterKey()},`, 'a comma too many']])('refuses %j as a master key (%s)', (text) => {
    expect(() => parseMasterKeys(text)).toThrow(/base64 of 32 bytes/);
  });
});
