import { Turnstile } from './turnstile.ts';

it('holds back who comes while it is shut, until it is open', async () => {
  const turnstile = new Turnstile();
  turnstile.close();
  let through = false;
  const waiting = turnstile.opened().then(() => (through = true));
  await Promise.resolve();
  expect([turnstile.isOpen, through]).toEqual([false, false]);
  turnstile.open();
  await waiting;
  expect([turnstile.isOpen, through]).toEqual([true, true]);
});

it('is quiet when the last that had begun has ended', async () => {
  const turnstile = new Turnstile();
  turnstile.begun();
  turnstile.begun();
  let isQuiet = false;
  const quiet = turnstile.quiet(60_000).then(() => (isQuiet = true));
  turnstile.ended();
  await Promise.resolve();
  expect(isQuiet).toBe(false);
  turnstile.ended();
  await quiet;
  expect(isQuiet).toBe(true);
});

it('waits for quiet no longer than it was told to', async () => {
  const turnstile = new Turnstile();
  turnstile.begun();
  await turnstile.quiet(1);
  expect(turnstile.isOpen).toBe(true);
});
