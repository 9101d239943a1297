import type { DedupeRule } from '@spillway/contracts';
import { ruleFor } from './rule-for.ts';

const rules = ['**', 'invoice.**', 'invoice.*', '*.paid', 'invoice.paid', 'invoice.*.v2', 'user.created'].map((type): DedupeRule => ({ id: type, tenant: 'acme', type, ignore: [], windowSeconds: 60, createdAt: '', updatedAt: '' }));

it.each([
  ['invoice.paid', 'invoice.paid'],
  ['invoice.created', 'invoice.*'],
  ['invoice.paid.v2', 'invoice.*.v2'],
  ['invoice.a.b.c', 'invoice.**'],
  ['order.paid', '*.paid'],
  ['other', '**'],
])('%s is decided by %s, in whatever order the rules are', (type, decides) => {
  expect(ruleFor(rules, type)?.id).toBe(decides);
  expect(ruleFor(rules.toReversed(), type)?.id).toBe(decides);
});

it('is none when none matches', () => {
  expect(ruleFor(rules.slice(1), 'other')).toBeUndefined();
  expect(ruleFor([], 'invoice.paid')).toBeUndefined();
});
