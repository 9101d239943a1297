import { keyKey, parseKey } from './key-record.ts';
import { bareKey, hashOfKeyText, idOfKeyText, newKeyText } from './key-text.ts';

describe('a key’s text', () => {
  it('names its id and is never made twice', () => {
    const keys = Array.from({ length: 1_000 }, newKeyText);
    for (const { id, text } of keys) expect(idOfKeyText(text)).toBe(id);
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1_000);
  });

  it.each(['', 'spk_', 'spk_0123456789abcdef', 'spk_0123456789ABCDEF_x', `spk_../../x_${'a'.repeat(43)}`, `spk_0123456789abcdef_${'a'.repeat(44)}`])('has no id in %j', (text) => {
    expect(idOfKeyText(text)).toBeUndefined();
  });

  it('is taken from a header as it is from hand to hand', () => {
    expect([bareKey('Bearer abc'), bareKey('bearer  abc'), bareKey('abc')]).toEqual(['abc', 'abc', 'abc']);
  });
});

describe('a key’s record', () => {
  const record = { id: '0123456789abcdef', hash: hashOfKeyText('x').toString('hex'), scopes: ['events:write', 'moon:landing'], createdAt: '', createdBy: 'admin' };

  it('is read without the scopes that this version does not know', () => {
    expect(parseKey(JSON.stringify(record))?.scopes).toEqual(['events:write']);
  });

  it.each(['', 'null', '{}', JSON.stringify({ ...record, hash: '' }), JSON.stringify({ ...record, hash: 'zz' }), JSON.stringify({ ...record, expiresAt: 'soon' }), JSON.stringify({ ...record, tenant: 1 })])(
    'is not read from %j',
    (text) => {
      expect(parseKey(text)).toBeUndefined();
    },
  );

  it('stands under its id', () => {
    expect(keyKey('0123456789abcdef')).toBe('key.0123456789abcdef');
  });
});
