// A fleet's endpoints in one process: /healthy/<n> on one port; /hang, /fail and /drip on another, so that nobody healthy shares a connection with them;
// and a third port that nobody listens on. Those two are sick when told so, and healthy when told that.
// Notes of the healthy how long after acceptance each attempt began, and of the sick how many attempts they hold.
import http from 'node:http';

const ACCEPTED = Buffer.from('"timestamp":"');
const SAMPLE_EVERY_MS = 50;
/** One byte a second is what a deadline has to end. */
const DRIP_EVERY_MS = 1_000;

let startedAfterMs = [];
let sickHeld = 0;
let samples = [];
let sickAttempts = 0;
let areSick = false;

const acceptedAt = (body) => {
  const at = body.indexOf(ACCEPTED) + ACCEPTED.length;
  return Date.parse(body.toString('latin1', at, body.indexOf('"', at)));
};

const healthy = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const now = performance.timeOrigin + performance.now();
    startedAfterMs.push(now - acceptedAt(Buffer.concat(chunks)));
    response.writeHead(200);
    response.end('ok');
  });
});

const drip = (socket) => {
  socket.write('HTTP/1.1 200');
  const dripping = setInterval(() => socket.write(' '), DRIP_EVERY_MS);
  socket.once('close', () => clearInterval(dripping));
};

const sick = http.createServer((request, response) => {
  sickAttempts += 1;
  sickHeld += 1;
  response.once('close', () => (sickHeld -= 1));
  request.resume();
  request.on('end', () => {
    if (!areSick) return response.writeHead(200).end('ok');
    if (request.url.startsWith('/drip')) return drip(request.socket);
    if (request.url.startsWith('/hang')) return undefined;
    return response.writeHead(500).end('no');
  });
});

setInterval(() => samples.push(sickHeld), SAMPLE_EVERY_MS);

const refusing = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200).end('ok');
});

const listening = (server, port = 0) => new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server.address().port)));
for (const server of [healthy, sick, refusing]) server.keepAliveTimeout = 60_000;
const ports = { healthyPort: await listening(healthy), sickPort: await listening(sick), refusingPort: await listening(refusing) };
process.send(ports);

const fall = (server) => {
  server.close();
  server.closeAllConnections();
};

const become = async (wanted) => {
  if (wanted === areSick) return;
  areSick = wanted;
  if (wanted) return fall(refusing);
  // what hangs is let go by its connection's end
  sick.closeAllConnections();
  await listening(refusing, ports.refusingPort);
};

const seen = () => {
  const answer = { startedAfterMs, sickAttempts, sickSlots: { most: Math.max(0, ...samples), mean: samples.reduce((sum, held) => sum + held, 0) / (samples.length || 1) } };
  startedAfterMs = [];
  samples = [];
  sickAttempts = 0;
  return answer;
};

process.on('message', async (ask) => {
  if (ask !== 'seen') await become(ask === 'sick');
  process.send(seen());
});
process.on('disconnect', () => process.exit(0));
