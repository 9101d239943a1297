import { Health } from './health.ts';

it('is well when every check is', () => {
  const health = new Health();
  let connected = true;
  health.check('broker', () => ({ ok: connected, detail: connected ? undefined : 'not connected' }));
  health.check('registry', () => ({ ok: true }));
  expect(health.snapshot()).toEqual({ ok: true, checks: { broker: { ok: true }, registry: { ok: true } } });
  connected = false;
  expect(health.snapshot()).toEqual({ ok: false, checks: { broker: { ok: false, detail: 'not connected' }, registry: { ok: true } } });
});

it('takes a probe that throws for a check that failed', () => {
  const health = new Health();
  health.check('odd', () => {
    throw new Error('no such thing');
  });
  expect(health.snapshot()).toEqual({ ok: false, checks: { odd: { ok: false, detail: 'Error: no such thing' } } });
});

it('does not let a second probe silence the first', () => {
  const health = new Health();
  health.check('broker', () => ({ ok: false }));
  expect(() => health.check('broker', () => ({ ok: true }))).toThrow('health check broker exists already');
});
