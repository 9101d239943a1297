import { readFileSync } from 'node:fs';
import { dataPaths } from '../launcher/data-folder.mjs';
import { Refusal } from '../refusal.mjs';

/** @typedef {{ console: string, ingest: string, key: string }} Profile */

/** Where the plane is and the key to it, as `npm start` wrote them. @param {string} dataFolder @returns {Profile} */
export const readProfile = (dataFolder) => {
  const file = dataPaths(dataFolder).cliProfile;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Refusal(`There is no Spillway to show: ${file} cannot be read.\nStart one first, in another terminal: npm start (with the same SPILLWAY_DATA_DIR, if you set one).`, { cause });
  }
};
