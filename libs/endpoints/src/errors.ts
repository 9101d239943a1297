/** What a caller asked of the registry and cannot have. `code` is what an HTTP API answers. */
export class RegistryRefusal extends Error {
  constructor(
    readonly code: 'unknown_endpoint' | 'uid_taken' | 'too_many_endpoints',
    message: string,
  ) {
    super(message);
    this.name = 'RegistryRefusal';
  }
}

/** A secret that this process cannot read: sealed under a key it was not given, or changed since. */
export class SecretUnreadable extends Error {
  readonly code = 'SPILLWAY_SECRET_UNREADABLE';
  readonly remediation = 'Give every app that signs the SPILLWAY_MASTER_KEY it was sealed under; several keys are separated by commas, the first one seals.';
}

/** What stands in KV was written by nobody of ours. Overwriting it would lose what it held, so it is not touched. */
export class RegistryDamaged extends Error {
  readonly code = 'SPILLWAY_REGISTRY_DAMAGED';
  readonly remediation = 'Look at the entry with `nats kv get webhook_endpoints <key>` and put an earlier revision back: `nats kv history webhook_endpoints <key>`.';
}

/** Not changed although it was tried often: others changed the same key each time. */
export class ChangedTooOften extends Error {
  readonly code = 'SPILLWAY_CHANGED_TOO_OFTEN';
  readonly remediation = 'Repeat the request; if it lasts, look for a program that changes the same tenant without pause.';
}
