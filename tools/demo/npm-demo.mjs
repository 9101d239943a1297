import { say } from '../say.mjs';
import { readSettings } from '../launcher/settings.mjs';
import { Api } from './api.mjs';
import { Demo } from './demo.mjs';
import { readProfile } from './profile.mjs';
import { duplicates } from './duplicates.mjs';
import { failingEndpoint } from './failing-endpoint.mjs';
import { firstDelivery } from './first-delivery.mjs';
import { openCircuit } from './open-circuit.mjs';

const parts = [firstDelivery, failingEndpoint, openCircuit, duplicates];

/** Runs against what `npm start` runs. @param {{ root: string, args: string[], env: NodeJS.ProcessEnv }} given @returns {Promise<number>} */
export const npmDemo = async ({ root, args, env }) => {
  const { dataFolder } = readSettings({ root, command: 'npm run demo', args, env, options: [] });
  const profile = readProfile(dataFolder);
  const api = new Api(profile);
  await api.mustBeReady();
  say(`\nSpillway’s demo, against ${profile.ingest} (ingest) and ${profile.console} (console), as the tenant ${api.tenant}.`);
  const demo = new Demo(api, say);
  try {
    for (const part of parts) await part(demo);
    say('\nAll of it went as promised.\n');
    return 0;
  } catch (error) {
    say(`\nThe demo FAILED at "${demo.doing}": ${/** @type {Error} */ (error).message}\nThe logs are in ${dataFolder}/logs; npx spillway status shows what waits where.\n`);
    return 1;
  } finally {
    await demo.end();
  }
};
