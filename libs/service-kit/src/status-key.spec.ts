import { isLoopback, requireStatusKey } from './status-key.ts';

const statusKey = 'a-key-of-some-length';

it.each([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['localhost', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.0.0.1.example.com', false],
])('%s is loopback: %s', (bind, expected) => {
  expect(isLoopback(bind)).toBe(expected);
});

const judged = (bind: string, key: string | undefined, authorization?: string): string => {
  try {
    requireStatusKey({ bind, statusKey: key }, authorization);
    return 'let in';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

it('asks for the key off loopback only', () => {
  expect(judged('127.0.0.1', statusKey)).toBe('let in');
  expect(judged('0.0.0.0', statusKey)).toBe('unauthenticated');
  expect(judged('0.0.0.0', statusKey, `Bearer ${statusKey}`)).toBe('let in');
  expect(judged('0.0.0.0', statusKey, `bearer  ${statusKey}`)).toBe('let in');
  expect(judged('0.0.0.0', statusKey, statusKey)).toBe('unauthenticated');
  expect(judged('0.0.0.0', statusKey, `Bearer ${statusKey}x`)).toBe('unauthenticated');
  expect(judged('0.0.0.0', statusKey, 'Bearer ')).toBe('unauthenticated');
});

it('lets nobody in where there is no key to know', () => {
  expect(judged('0.0.0.0', undefined, 'Bearer ')).toBe('status_key_unset');
});
