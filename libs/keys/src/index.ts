export type { KeyRecord } from './key-record.ts';
export { KeyRing, type KeyRingOptions } from './key-ring.ts';
export { KeyStore, type KeyDraft } from './key-store.ts';
export { allows, mayGrant, reaches, scopes, WHOLE_PLANE, type Principal, type Scope } from './scopes.ts';
