import { deliveryId, header, type DeadReason } from '@spillway/contracts';
import type { StoredMessage } from '@spillway/jetstream';

/** One message of WEBHOOK_DEAD, as it is shown. What nobody could read lacks what it lacks. */
export type DeadLetter = {
  id: string;
  by: 'endpoint' | 'pipeline';
  /** Of what died in the pipeline: in which app. */
  app?: string;
  reason: DeadReason;
  detail?: string;
  tenant?: string;
  endpoint?: string;
  event?: string;
  type?: string;
  /** How many were made. */
  attempts: number;
  acceptedAt?: string;
  /** When it was given up. */
  at: string;
  /** The job that made the delivery, if one did. */
  job?: string;
};

/** Given up before the attempt whose number it carries. */
const NOT_ATTEMPTED: ReadonlySet<DeadReason> = new Set(['endpoint_deleted', 'parked_overflow', 'poison', 'unreadable', 'internal']);

const SUBJECT = /^webhook\.dead\.(endpoint|pipeline)\.(.+)$/;

const attemptsOf = (attempt: string | undefined, reason: DeadReason): number => {
  const number = Number(attempt ?? 0);
  if (!Number.isSafeInteger(number) || number < 1) return 0;
  return NOT_ATTEMPTED.has(reason) ? number - 1 : number;
};

/** A delivery has its own id; what never became one is named by the message that it was. */
const idOf = ({ headers, sequence }: StoredMessage, endpoint: string | undefined): string => {
  const event = headers.get(header.eventId);
  if (event === undefined) return deliveryId(headers.get(header.messageId) ?? String(sequence), '');
  return deliveryId(event, endpoint ?? '', headers.get(header.job));
};

const present = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;

export const deadLetterOf = (message: StoredMessage): DeadLetter => {
  const { headers } = message;
  const [, by, of] = SUBJECT.exec(message.subject) ?? [];
  const reason = (headers.get(header.reason) ?? 'internal') as DeadReason;
  const endpoint = headers.get(header.endpoint);
  return present({
    id: idOf(message, endpoint),
    by: by === 'endpoint' ? ('endpoint' as const) : ('pipeline' as const),
    app: by === 'pipeline' ? of : undefined,
    reason,
    detail: headers.get(header.detail),
    tenant: headers.get(header.tenant) ?? (by === 'endpoint' ? of : undefined),
    endpoint,
    event: headers.get(header.eventId),
    type: headers.get(header.eventType),
    attempts: attemptsOf(headers.get(header.attempt), reason),
    acceptedAt: headers.get(header.acceptedAt),
    at: new Date(message.storedAtMs).toISOString(),
    job: headers.get(header.job),
  });
};
