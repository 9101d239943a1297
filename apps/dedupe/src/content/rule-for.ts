import type { DedupeRule } from '@spillway/contracts';
import { matchesType } from '@spillway/endpoints';

const segmentsOf = (type: string): string[] => type.split('.');

/** The more a filter says of a type, the more specific it is: no stars at all, then more segments spelled out, then fewer `**`. */
const specificity = (filter: string): [number, number, number] => {
  const segments = segmentsOf(filter);
  return [filter.includes('*') ? 0 : 1, segments.filter((segment) => !segment.includes('*')).length, -segments.filter((segment) => segment === '**').length];
};

const bySpecificity = (a: DedupeRule, b: DedupeRule): number => {
  const [ofA, ofB] = [specificity(a.type), specificity(b.type)];
  const i = ofA.findIndex((value, at) => value !== ofB[at]);
  if (i >= 0) return (ofB[i] as number) - (ofA[i] as number);
  return a.type < b.type ? -1 : 1;
};

/**
 * The one rule that decides for a type: the most specific that matches it. Not all of them: an event dropped by one rule would hold the other's key, and what is like it
 * by that other rule would be dropped for an event that nobody delivered.
 */
export const ruleFor = (rules: readonly DedupeRule[], type: string): DedupeRule | undefined => rules.filter((rule) => matchesType(rule.type, type)).toSorted(bySpecificity)[0];
