import { createServer } from 'node:net';

/**
 * Below the range that the system hands out by itself (32768 on Linux, 49152 elsewhere): a port that was free stays ours to come back to
 * after a kill, and is not given to some outgoing connection meanwhile.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const TRIES = 100;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** A port that nobody listens on now. For processes that have to keep theirs over a restart; a server of ours listens on 0. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port among ${TRIES} tried between ${LOWEST} and ${HIGHEST}`);
};
