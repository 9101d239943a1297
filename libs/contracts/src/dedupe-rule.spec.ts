import { dedupeRuleId, DEDUPE_RULE_ID_PATTERN, parseIgnoredPath, printIgnoredPath, readDedupeRule } from './dedupe-rule.ts';

describe('an ignored path', () => {
  it.each([
    ['data.sentAt', ['sentAt']],
    ['data.items.*.sentAt', ['items', null, 'sentAt']],
    ['data.items.0', ['items', '0']],
    [String.raw`data.a\.b.\*.c\\d`, ['a.b', '*', String.raw`c\d`]],
    ['data.größe.日', ['größe', '日']],
    ['data.a b', ['a b']],
  ])('%s', (path, segments) => {
    expect(parseIgnoredPath(path)).toEqual(segments);
    expect(printIgnoredPath(segments)).toBe(path);
  });

  it.each(['', 'data', 'data.', '.data.a', 'data..a', 'sentAt', 'type', 'timestamp', 'datax.a', String.raw`data.a\x`, String.raw`data.a\ `.trim(), `data${'.a'.repeat(32)}`])('is not %j', (path) => {
    expect(parseIgnoredPath(path)).toBeUndefined();
  });
});

describe('a rule', () => {
  const rule = { id: 'ddr_a', tenant: 'acme', type: 'invoice.*', ignore: ['data.sentAt'], windowSeconds: 60, createdAt: 'x', updatedAt: 'x' };

  it('has one id a tenant and type', () => {
    expect(dedupeRuleId('acme', 'a')).toMatch(DEDUPE_RULE_ID_PATTERN);
    expect(dedupeRuleId('acme', 'a')).toBe(dedupeRuleId('acme', 'a'));
    expect(new Set([dedupeRuleId('acme', 'a'), dedupeRuleId('acme', 'b'), dedupeRuleId('other', 'a')]).size).toBe(3);
  });

  it('is read as it was written, with fields that came later', () => {
    expect(readDedupeRule(JSON.stringify({ ...rule, later: 1 }))).toMatchObject(rule);
  });

  it.each(['', 'null', '[]', '{}', '"x"', JSON.stringify({ ...rule, ignore: ['sentAt'] }), JSON.stringify({ ...rule, ignore: 'data.a' }), JSON.stringify({ ...rule, windowSeconds: '60' })])('that cannot be read is none: %s', (text) => {
    expect(readDedupeRule(text)).toBeUndefined();
  });
});
