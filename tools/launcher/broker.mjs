import { monitorPortOffset, natsPortOffset } from './apps.mjs';
import { dataPaths } from './data-folder.mjs';
import { inherited } from './environment.mjs';
import { writeNatsConfig } from './nats-config.mjs';
import { untilReady } from './readiness.mjs';
import { monitorUrl } from './settings.mjs';

/** Its name among the processes, in the lock file and of its log. */
export const BROKER = 'nats';
/** JetStream closes its files in milliseconds; a store under load in a second or two. */
const STOP_WITHIN_MS = 10_000;

/**
 * @param {import('./settings.mjs').Settings} settings
 * @param {{ binary: string, secrets: import('./secrets.mjs').Secrets, processes: import('./processes.mjs').Processes, say: (text: string) => void, signal: AbortSignal, died: (name: string, deathsInARow: number) => void }} parts
 */
export const startBroker = async (settings, { binary, secrets, processes, say, signal, died }) => {
  const { natsConfig, natsStore } = dataPaths(settings.dataFolder);
  writeNatsConfig(natsConfig, {
    port: settings.portBase + natsPortOffset,
    monitorPort: settings.portBase + monitorPortOffset,
    storeFolder: natsStore,
    passwords: secrets.natsPasswords,
  });
  processes.start(
    { name: BROKER, command: binary, args: ['-c', natsConfig], cwd: settings.root, env: inherited(settings.env), stopWithinMs: STOP_WITHIN_MS, foundation: true },
    (deathsInARow) => died(BROKER, deathsInARow),
  );
  // /healthz answers 200 only once JetStream has read back its store
  await untilReady([{ name: BROKER, url: `${monitorUrl(settings)}/healthz` }], { say, signal });
};
