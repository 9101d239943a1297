import { DialFailed } from './dial-failures.ts';
import { AttemptBroken, ForbiddenHeader, OutOfSockets } from './errors.ts';
import { byError, byStatus } from './outcomes.ts';

const error = (code: string | undefined, message = 'connect ECONNREFUSED 10.0.0.1:443'): Error => Object.assign(new Error(message), { code });

it.each([
  ['UND_ERR_SOCKET', 'reset'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['ETIMEDOUT', 'timeout'],
  ['EHOSTUNREACH', 'reset'],
  ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'tls_error'],
  ['EPROTO', 'tls_error'],
  ['UND_ERR_HEADERS_OVERFLOW', 'protocol_error'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'protocol_error'],
  ['ERR_ASSERTION', 'protocol_error'],
  ['ESOMETHINGNEW', 'reset'],
])('%s is the receiver’s: %s, and the address in the message stays with us', (code, reason) => {
  const outcome = byError(error(code));
  expect(outcome).toMatchObject({ kind: 'failed', reason });
  expect(JSON.stringify(outcome)).not.toContain('10.0.0.1');
});

it('hands on why a dial failed', () => {
  expect(byError(new DialFailed('dns_error', 'no such name'))).toEqual({ kind: 'failed', reason: 'dns_error', detail: 'no such name' });
});

it('throws what is ours', () => {
  const noSockets = new OutOfSockets({ cause: error('EMFILE') });
  expect(() => byError(noSockets)).toThrow(noSockets);
  expect(() => byError(error('UND_ERR_INVALID_ARG', 'invalid x-a header'))).toThrow(ForbiddenHeader);
  const bug = new TypeError('undefined is not a function');
  expect(() => byError(bug)).toThrow(AttemptBroken);
  expect(() => byError(bug)).toThrow(expect.objectContaining({ code: 'SPILLWAY_ATTEMPT_BROKEN', cause: bug }) as Error);
});

it('takes the first of several Retry-After, and none of a success', () => {
  expect(byStatus(503, { 'retry-after': ['5', '10'] })).toMatchObject({ status: 503, retryAfter: '5' });
  expect(byStatus(200, { 'retry-after': '5' })).toEqual({ kind: 'delivered', status: 200 });
});
