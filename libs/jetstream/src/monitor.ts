import { request } from 'node:http';

/** A monitoring page is made in a millisecond; five seconds are a server that does not answer. */
const DEADLINE_MS = 5_000;
const MAX_BYTES = 4 * 2 ** 20;

/** GET on the broker's monitoring port. Not fetch: this is no way for anything to leave by, so it follows no redirect. */
export const readMonitor = <T>(monitorUrl: string, path: string): Promise<T> =>
  new Promise((resolve, reject) => {
    const asked = request(new URL(path, monitorUrl), { signal: AbortSignal.timeout(DEADLINE_MS), agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MAX_BYTES) asked.destroy(new Error(`more than ${MAX_BYTES} bytes`));
      });
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode ?? 0}`));
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as T);
        } catch (error) {
          reject(new Error('no JSON', { cause: error }));
        }
      });
    });
    asked.on('error', (error) => reject(error.name === 'AbortError' ? new Error(`no answer within ${DEADLINE_MS / 1_000} s`, { cause: error }) : error));
    asked.end();
  });
