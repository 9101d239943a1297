import { runCommand } from '../run-command.mjs';

/** 2.15.1-preview.1 counts as 2.15.1. @param {string} text @returns {[number, number, number] | undefined} */
export const readVersion = (text) => {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
};

/** @param {string} version @param {string} minimum */
export const isAtLeast = (version, minimum) => {
  const [have, want] = [readVersion(version), readVersion(minimum)];
  if (!have || !want) return false;
  for (const [i, part] of want.entries()) if (have[i] !== part) return have[i] > part;
  return true;
};

/**
 * What the binary itself says it is; undefined when it does not run here at all (another machine's, a truncated download).
 * @param {string} binary
 */
export const versionOf = async (binary) => {
  try {
    return readVersion(await runCommand(binary, ['--version'], { timeoutMs: 20_000 }))?.join('.');
  } catch {
    return undefined; // the caller says which binary did not answer; why is of no use to anybody
  }
};

/** @typedef {{ path: string, version: string, from: string }} Found a binary, and where this machine had it from */

/** @param {string[]} candidates @param {string} minimum @param {string} from @returns {Promise<Found | undefined>} */
export const firstNewEnough = async (candidates, minimum, from) => {
  for (const path of candidates) {
    const version = await versionOf(path);
    if (version && isAtLeast(version, minimum)) return { path, version, from };
  }
  return undefined;
};
