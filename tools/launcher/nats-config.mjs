import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const MIB = 2 ** 20;

/** @param {string} text */
const quoted = (text) => JSON.stringify(text);

/**
 * The broker of one machine. `sync_interval: always` is the promise behind 202: without it an acknowledged message is in the page cache only,
 * for up to two minutes (the server's default). The apps check it at start.
 * @param {{ port: number, monitorPort: number, storeFolder: string, passwords: Record<string, string> }} plane
 */
export const natsConfig = ({ port, monitorPort, storeFolder, passwords }) => `# Written by npm start and npm run infra at each start: changes here do not last.
server_name: spillway
listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitorPort}"

# An event is at most 256 KiB and its headers some hundred bytes; pages of the ledger hold several.
max_payload: ${MIB}
# One connection a process, and some for operators: a leak of connections is refused long before it costs memory.
max_connections: 128
# A reader that does not read is cut off at this many bytes waiting for it; an app's pulls are bounded by 8 MiB each.
max_pending: ${64 * MIB}

jetstream {
  store_dir: ${quoted(storeFolder)}
  sync_interval: always
  # No stream of ours lives in memory.
  max_memory_store: ${64 * MIB}
}

accounts {
  SPILLWAY {
    jetstream: enabled
    users: [
${Object.entries(passwords)
  .map(([user, password]) => `      { user: ${quoted(user)}, password: ${quoted(password)} }`)
  .join('\n')}
    ]
  }
}
`;

/** @param {string} file @param {Parameters<typeof natsConfig>[0]} plane */
export const writeNatsConfig = (file, plane) => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, natsConfig(plane), { mode: 0o600 });
};
