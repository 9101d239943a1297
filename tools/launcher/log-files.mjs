import { copyFileSync, existsSync, mkdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** Twice this an app: enough for days of a laptop's use, and under 1 GB for the whole plane. */
const LARGEST_LOG_BYTES = 64 * 2 ** 20;
const LOOK_EVERY_MS = 30_000;

/** @param {string} folder @param {string} name */
export const logFile = (folder, name) => join(folder, `${name}.log`);

/** While somebody holds it open: copied, then cut. Whoever appends goes on at the new end. @param {string} file */
const cutWhenLarge = (file) => {
  if (!existsSync(file) || statSync(file).size <= LARGEST_LOG_BYTES) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
};

/** @param {string} folder @param {readonly string[]} names */
export const openLogs = (folder, names) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const cut = () => names.forEach((name) => cutWhenLarge(logFile(folder, name)));
  cut();
  const timer = setInterval(cut, LOOK_EVERY_MS).unref();
  return { close: () => clearInterval(timer) };
};
