// Counts what arrives, and notes the latency of what says in its payload when it was sent. One process, shared by every phase.
import http from 'node:http';

let count = 0;
let lastAt = 0;
let latencies = [];
const SENT = Buffer.from('"sentAt":');

const receive = (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    count += 1;
    lastAt = performance.timeOrigin + performance.now();
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const at = body.indexOf(SENT);
    if (at >= 0) latencies.push(lastAt - Number.parseFloat(body.toString('latin1', at + SENT.length, at + SENT.length + 20)));
    response.writeHead(200);
    response.end('ok');
  });
};
const server = http.createServer(receive);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', (ask) => {
  process.send({ count, lastAt, latencies: ask === 'latencies' ? latencies : undefined });
  if (ask === 'reset') {
    count = 0;
    latencies = [];
  }
});
process.on('disconnect', () => process.exit(0));
