export { ChangedTooOften, RegistryDamaged, RegistryRefusal, SecretUnreadable } from './errors.ts';
export { matchesType, wantsType } from './matches-type.ts';
export { registryKey, withoutFailing, type EndpointDraft, type EndpointRecord, type FailingState, type SealedSecret } from './record.ts';
export { EndpointRegistry, type RegistryOptions } from './registry.ts';
export type { Matching } from './endpoint-map.ts';
export { EndpointStore, type StoreOptions } from './store.ts';
export { MASTER_KEYS_PATTERN, newMasterKey, parseMasterKeys, type MasterKeys } from './seal.ts';
export { isOrderedTenant, MAX_ENDPOINTS_PER_TENANT, parseTenant, type TenantEntry, type TenantSettings } from './tenant-entry.ts';
