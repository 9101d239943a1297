// Serves what every app serves, and does on request what apps do when they misbehave.
import { createServer } from 'node:http';
import { standIns } from './table.mjs';

const { NATS_USER, SPILLWAY_PORT_BASE, STAND_IN_CRASHES, STAND_IN_STUBBORN } = process.env;
const row = standIns.find(({ name }) => name === NATS_USER);
if (STAND_IN_CRASHES === NATS_USER) {
  console.log(JSON.stringify({ level: 'error', app: NATS_USER, msg: 'the stand-in was told to crash' }));
  process.exit(1);
}
if (STAND_IN_STUBBORN !== NATS_USER) process.on('SIGTERM', () => process.exit(0));
else process.on('SIGTERM', () => undefined);

createServer((request, response) => {
  if (request.url === '/environment') response.end(JSON.stringify(process.env));
  else response.end(JSON.stringify({ ok: true, pid: process.pid }));
}).listen(Number(SPILLWAY_PORT_BASE) + (row?.portOffset ?? 0), '127.0.0.1', () => console.log(JSON.stringify({ level: 'info', app: NATS_USER, msg: 'ready' })));
