import { InfrastructureError, PublishRefused } from './errors.ts';

/**
 * Whether what a handler threw lies in what it needs (the broker, a key, a bucket), not in the message: whoever throws such a thing says what an operator does about it.
 * Only a message that is too large for where it goes will never go there.
 */
export const isPassingThrow = (error: unknown): boolean => {
  if (error instanceof PublishRefused && error.kind === 'too_large') return false;
  return error instanceof InfrastructureError || (error instanceof Error && 'remediation' in error);
};
