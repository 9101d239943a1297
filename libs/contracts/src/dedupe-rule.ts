import { hash } from 'node:crypto';

/** What a tenant wants dropped by content: events of `type` whose data is the same but for the ignored paths, accepted within the window of the first. */
export type DedupeRule = {
  id: string;
  tenant: string;
  /** A type, or a filter with wildcards as endpoints have them. */
  type: string;
  /** Paths below `data` that do not count: `data.sentAt`, `data.items.*.sentAt`. */
  ignore: string[];
  windowSeconds: number;
  createdAt: string;
  updatedAt: string;
};

export const DEDUPE_RULE_ID_PATTERN = /^ddr_[A-Za-z0-9_-]{22}$/;

/** One rule for a tenant and type: asked for again it is the same rule, changed. */
export const dedupeRuleId = (tenant: string, type: string): string => `ddr_${hash('sha256', `dedupe rule ${tenant} ${type}`, 'base64url').slice(0, 22)}`;

/** Keys in the bucket `webhook_control`. */
export const dedupeRuleKey = {
  prefix: 'dedupe.',
  of: (tenant: string, id: string): string => `dedupe.${tenant}.${id}`,
} as const;

/** What dedupe says of its index, for whoever takes rules or shows status: one key in `webhook_control`, written when it changes. */
export const DEDUPE_INDEX_KEY = 'dedupe-index';

export type DedupeIndexStatus = {
  index: 'redis' | 'jetstream';
  state: 'ok' | 'degraded';
  /** What is wrong with it, in words; only while degraded. */
  why?: string;
  /** How long an id is remembered at least. */
  windowSeconds: number;
  /** Whether rules by content have an effect. */
  contentRules: boolean;
  at: string;
};

/** A member of an object or an element of an array; `null`: any of them. */
export type PathSegment = string | null;

const SEGMENTS_MAX = 32;

/**
 * The segments below `data`, of a path like `data.items.*.sentAt`: dots between them, `*` for any one member or element, a number for one element; a backslash
 * before a dot, a star or a backslash takes it as it stands. `undefined` when it is none: also for `data` alone, which would make all events of a type alike.
 */
export const parseIgnoredPath = (path: string): PathSegment[] | undefined => {
  const raw = path.match(/(?:[^.\\]|\\[.*\\])+/g);
  if (!raw || raw.join('.') !== path || raw[0] !== 'data' || raw.length < 2 || raw.length > SEGMENTS_MAX) return undefined;
  return raw.slice(1).map((segment) => (segment === '*' ? null : segment.replace(/\\(.)/g, '$1')));
};

/** A path as people write it, for a suggestion. */
export const printIgnoredPath = (segments: readonly PathSegment[]): string => ['data', ...segments.map((segment) => segment?.replace(/[.*\\]/g, '\\$&') ?? '*')].join('.');

/** `undefined` for what is not ours: nothing is dropped by a rule that cannot be read. */
export const readDedupeRule = (text: string): DedupeRule | undefined => {
  let value: Partial<DedupeRule> | null;
  try {
    value = JSON.parse(text) as Partial<DedupeRule> | null;
  } catch {
    return undefined;
  }
  if (typeof value?.id !== 'string' || typeof value.tenant !== 'string' || typeof value.type !== 'string' || typeof value.windowSeconds !== 'number') return undefined;
  if (!Array.isArray(value.ignore) || value.ignore.some((path) => typeof path !== 'string' || parseIgnoredPath(path) === undefined)) return undefined;
  return value as DedupeRule;
};
