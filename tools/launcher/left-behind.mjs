import { setTimeout as delay } from 'node:timers/promises';
import { BROKER } from './broker.mjs';
import { isRunning, signalGroup } from './process-marks.mjs';

const PATIENCE_MS = 12_000;
const LOOK_EVERY_MS = 50;

/** @param {import('./process-marks.mjs').ProcessRecord[]} records @param {number} withinMs */
const untilGone = async (records, withinMs) => {
  const endsAt = Date.now() + withinMs;
  while (records.some(isRunning) && Date.now() < endsAt) await delay(LOOK_EVERY_MS);
  return records.filter(isRunning);
};

/** @param {import('./process-marks.mjs').ProcessRecord[]} records */
const stopAll = async (records) => {
  for (const { pid } of records) signalGroup(pid, 'SIGTERM');
  const stubborn = await untilGone(records, PATIENCE_MS);
  for (const { pid } of stubborn) signalGroup(pid, 'SIGKILL');
  await untilGone(stubborn, PATIENCE_MS);
};

/**
 * What an instance that was killed has left running: two brokers on one store would ruin it, two dispatchers only surprise.
 * @param {import('./process-marks.mjs').ProcessRecord[]} records @param {(text: string) => void} say
 */
export const stopLeftBehind = async (records, say) => {
  if (records.length === 0) return;
  say(`the start before this one was killed; stopping what it left: ${records.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ')}`);
  await stopAll(records.filter(({ name }) => name !== BROKER));
  await stopAll(records.filter(({ name }) => name === BROKER));
};
