/** What our own machinery cannot do right now. What a receiver does wrong is never one of these: that is an outcome. */
export class InfrastructureError extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** One sentence: what an operator does about it. */
    readonly remediation: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Not connected: nothing was sent. */
export class BrokerAway extends InfrastructureError {
  constructor(what: string, options?: ErrorOptions) {
    super('SPILLWAY_BROKER_AWAY', `the broker is not connected: ${what} was not sent`, 'Check that nats-server runs and that NATS_URL names it; clients reconnect by themselves.', options);
  }
}

/** Sent, and no answer came: perhaps it was stored. Repeating under the same message id is safe, concluding anything is not. */
export class OutcomeUnknown extends InfrastructureError {
  constructor(what: string, options?: ErrorOptions) {
    super('SPILLWAY_OUTCOME_UNKNOWN', `no answer in time to ${what}: perhaps it was done`, 'Repeat it under the same id; if this lasts, look at the broker’s disk and load.', options);
  }
}

/** The JetStream API answered, and the answer is no. */
export class BrokerRefused extends InfrastructureError {
  constructor(
    readonly errCode: number,
    readonly description: string,
    what: string,
  ) {
    super('SPILLWAY_BROKER_REFUSED', `the broker refused ${what}: ${description} (${errCode})`, remedyOf(errCode));
  }
}

export type RefusalKind = 'stream_full' | 'subject_full' | 'storage_full' | 'too_large' | 'duplicate_in_batch' | 'busy' | 'other';

/** Certainly not stored. */
export class PublishRefused extends InfrastructureError {
  readonly kind: RefusalKind;
  constructor(
    readonly stream: string,
    readonly subject: string,
    readonly errCode: number,
    readonly description: string,
  ) {
    super('SPILLWAY_PUBLISH_REFUSED', `${stream} refused a message on ${subject}: ${description} (${errCode})`, remedyOf(errCode));
    this.kind = refusalKind(errCode, description);
  }
}

/** Our own bound: more would have to wait in memory than we hold. */
export class PublisherSaturated extends InfrastructureError {
  constructor(stream: string, waiting: number) {
    super('SPILLWAY_PUBLISHER_SATURATED', `${waiting} messages wait for ${stream} already`, 'The broker stores more slowly than messages come; callers should retry after a moment.');
  }
}

/** Somebody else changed the key since it was read. */
export class RevisionConflict extends InfrastructureError {
  constructor(bucket: string, key: string) {
    super('SPILLWAY_REVISION_CONFLICT', `${bucket} ${key} was changed by somebody else in between`, 'Read it again and repeat the change.');
  }
}

/** This process was stopped while it waited. */
export class Stopped extends InfrastructureError {
  constructor(what: string) {
    super('SPILLWAY_STOPPED', `stopped while ${what}`, 'None: what was not settled comes again.');
  }
}

/** JetStream's numbers, once. From the server's errors.json (2.15); the texts of 10077 tell whose limit it was. */
const refusalKind = (errCode: number, description: string): RefusalKind => {
  switch (errCode) {
    case 10077:
      return description.includes('per subject') ? 'subject_full' : 'stream_full';
    case 10201:
      return 'duplicate_in_batch';
    case 10210:
    case 10211:
    case 10167:
      return 'busy';
    case 10054:
      return 'too_large';
    case 10002:
    case 10023:
    case 10047:
      return 'storage_full';
    default:
      return 'other';
  }
};

const remedyOf = (errCode: number): string => {
  switch (errCode) {
    case 10077:
      return 'Let its worker catch up, or raise the limit: spillway streams limit <STREAM> --max-bytes <SIZE>.';
    case 10002:
    case 10023:
    case 10047:
      return 'Give the broker more storage, or lower the streams’ max_bytes: their sum is reserved at creation.';
    case 10054:
      return 'Send less, or raise max_payload in the broker’s configuration.';
    case 10059:
      return 'Provision the plane: spillway provision.';
    case 10174:
      return 'The stream lacks allow_atomic: run spillway provision.';
    default:
      return 'Look the number up in the nats-server error list; run spillway provision to compare the broker with the catalogue.';
  }
};

/** True for what passes by itself: worth repeating, never worth deciding anything on. */
export const isPassing = (error: unknown): boolean =>
  error instanceof BrokerAway || error instanceof OutcomeUnknown || (error instanceof PublishRefused && error.kind === 'busy') || error instanceof PublisherSaturated;

/** True where there is no room, be it for this subject or for all: over as soon as somebody removes something or raises the limit. */
export const isFull = (error: unknown): boolean => error instanceof PublishRefused && ['stream_full', 'subject_full', 'storage_full'].includes(error.kind);
