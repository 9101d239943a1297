import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { grouper, headers, nats } from './groups.mjs';

const publish = grouper(await nats());
http
  .createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks);
      try {
        JSON.parse(body.toString());
        const h = headers();
        h.set('Nats-Msg-Id', randomUUID());
        h.set('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
        await publish('ingest.t1', body, h);
        response.writeHead(202);
        response.end('{"id":"x"}');
      } catch (error) {
        response.writeHead(503);
        response.end(String(error));
      }
    });
  })
  .listen(Number(process.env.FLOOR_PORT), '127.0.0.1');
