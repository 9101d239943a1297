import { once } from 'node:events';
import { createServer } from 'node:http';

/** @typedef {{ id: string, headers: Record<string, string>, body: string, at: number }} Request `at`: by performance.now() */
/** @typedef {(request: Request, earlier: number) => number} Handler the status to answer with; `earlier`: attempts at the same event before */

/** A customer's side: keeps what comes, and answers as it is told. @param {Handler} [handler] */
export const startReceiver = async (handler = () => 204) => {
  /** @type {Request[]} */
  const requests = [];
  const server = createServer((request, response) => {
    const at = performance.now();
    let body = '';
    request.setEncoding('utf8').on('data', (text) => (body += text));
    request.on('end', () => {
      const headers = /** @type {Record<string, string>} */ (request.headers);
      const received = { id: headers['webhook-id'] ?? '', headers, body, at };
      const earlier = requests.filter(({ id }) => id === received.id).length;
      requests.push(received);
      response.writeHead(handler(received, earlier)).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}/webhooks`, requests, of: (/** @type {string} */ id) => requests.filter((request) => request.id === id), stop };
};
