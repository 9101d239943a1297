import { dedupeRuleKey, type DedupeRule } from '@spillway/contracts';
import { WatchedRules } from './watched-rules.ts';

type Listener = (key: string, entry: { value: string; revision: number } | undefined) => void;

const given = () => {
  let tell: Listener | undefined;
  const faults: unknown[] = [];
  const rules = new WatchedRules({ onChange: (listener: Listener) => (tell = listener) }, { error: (fault: unknown) => void faults.push(fault) } as never);
  const set = (tenant: string, type: string, ignore: string[] = []) => {
    const rule: DedupeRule = { id: `ddr_${type.replaceAll(/\W/g, '_')}`, tenant, type, ignore, windowSeconds: 60, createdAt: '', updatedAt: '' };
    tell?.(dedupeRuleKey.of(tenant, rule.id), { value: JSON.stringify(rule), revision: 1 });
    return rule;
  };
  return { rules, set, tell: (key: string, value?: string) => tell?.(key, value === undefined ? undefined : { value, revision: 1 }), faults };
};
const data = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

it('fingerprints what a rule of the tenant wants, less what it ignores, and nothing else', () => {
  const { rules, set } = given();
  set('acme', 'invoice.*', ['data.sentAt']);
  const of = (tenant: string, type: string, value: unknown) => rules.fingerprintFor(tenant, type, data(value))?.fingerprint;
  expect(of('acme', 'invoice.paid', { n: 1, sentAt: 1 })).toBe(of('acme', 'invoice.paid', { sentAt: 2, n: 1.0 }));
  expect(of('acme', 'invoice.paid', { n: 1 })).not.toBe(of('acme', 'invoice.paid', { n: 2 }));
  expect(of('acme', 'invoice.paid', { n: 1 })).not.toBe(of('acme', 'invoice.void', { n: 1 }));
  expect([of('acme', 'user.created', {}), of('other', 'invoice.paid', {})]).toEqual([undefined, undefined]);
});

it('goes by a change at once, also for types it has decided about before', () => {
  const { rules, set, tell } = given();
  const general = set('acme', 'invoice.*');
  expect(rules.ruleFor('acme', 'invoice.paid')?.id).toBe(general.id);
  const exact = set('acme', 'invoice.paid', ['data.a']);
  expect([rules.ruleFor('acme', 'invoice.paid')?.id, rules.size]).toEqual([exact.id, 2]);
  tell(dedupeRuleKey.of('acme', exact.id));
  expect(rules.ruleFor('acme', 'invoice.paid')?.id).toBe(general.id);
  tell(dedupeRuleKey.of('acme', general.id));
  expect([rules.ruleFor('acme', 'invoice.paid'), rules.size]).toEqual([undefined, 0]);
});

it('has nothing to do with other keys, and says which rule it cannot read', () => {
  const { rules, tell, faults } = given();
  tell('suspended', '{}');
  tell('dedupe.acme.ddr_x', 'no JSON');
  expect([rules.size, faults]).toEqual([0, [{ key: 'dedupe.acme.ddr_x' }]]);
});

it('finds no likeness in data that is no JSON', () => {
  const { rules, set } = given();
  set('acme', '**');
  expect(rules.fingerprintFor('acme', 'a', Buffer.from('{"a":'))).toBeUndefined();
});
