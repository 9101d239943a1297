import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InstanceLock } from './instance-lock.mjs';
import { isRunning, startMark } from './process-marks.mjs';

const folder = mkdtempSync(join(tmpdir(), 'spillway-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('knows a process by when it began, so that a reused pid is not taken for it', () => {
  const mark = /** @type {string} */ (startMark(process.pid));
  expect(isRunning({ pid: process.pid, mark })).toBe(true);
  expect(isRunning({ pid: process.pid, mark: `${mark}0` })).toBe(false);
  expect(startMark(2 ** 22)).toBeUndefined(); // above the highest pid there is
});

it('is taken from the dead, with what they left, and from a file that nobody can read', () => {
  const dataFolder = mkdtempSync(join(folder, 'lock-'));
  const here = { dataFolder, command: 'npm start', portBase: 8080 };
  const alive = { name: 'nats', pid: process.pid, mark: /** @type {string} */ (startMark(process.pid)) };
  const dead = { command: 'npm start', pid: 2 ** 22, mark: 'long ago', portBase: 8080, processes: [alive, { name: 'ingest', pid: 2 ** 22, mark: 'long ago' }] };
  writeFileSync(join(dataFolder, 'instance.lock'), JSON.stringify(dead));
  const lock = InstanceLock.acquire(here);
  expect(lock.leftBehind).toEqual([alive]);
  expect(() => InstanceLock.acquire(here)).toThrow('npm start is running already');
  lock.release();
  writeFileSync(join(dataFolder, 'instance.lock'), '{"pid":');
  expect(InstanceLock.acquire(here).leftBehind).toEqual([]);
});
