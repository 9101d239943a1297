// The other end of the scale: no durability at all, a request comes in and goes out.
import http from 'node:http';
import { Pool } from 'undici';

const pool = new Pool(process.env.RECEIVER, { connections: 64, pipelining: 1 });
http
  .createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const answer = await pool.request({ path: '/', method: 'POST', body: Buffer.concat(chunks), headers: { 'content-type': 'application/json' } });
      await answer.body.dump();
      response.writeHead(202);
      response.end();
    });
  })
  .listen(Number(process.env.FLOOR_PORT), '127.0.0.1');
