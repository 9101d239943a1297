// Closed loop: so many connections, each sends its next request when the last was answered. Raw sockets: a generator that costs as little as can be, since it
// shares the machine with what it measures.
import net from 'node:net';

/** @param {{ port: number, connections: number, seconds: number, request: () => Buffer, accepted?: number }} load */
export const closedLoop = async ({ port, connections, seconds, request, accepted = 202 }) => {
  const wanted = Buffer.from(`HTTP/1.1 ${accepted}`);
  const until = performance.now() + seconds * 1_000;
  const counts = { accepted: 0, refused: 0, broken: 0 };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, () => run(port, request, wanted, until, counts)));
  return { ...counts, seconds: (performance.now() - startedAt) / 1_000 };
};

const run = (port, request, wanted, until, counts) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let pending = Buffer.alloc(0);
    const next = () => (performance.now() < until ? socket.write(request()) : socket.end());
    socket.on('connect', next);
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const end = answerEnd(pending);
      if (end === undefined) return;
      if (pending.subarray(0, wanted.length).equals(wanted)) counts.accepted += 1;
      else counts.refused += 1;
      pending = pending.subarray(end);
      next();
    });
    socket.on('error', () => (counts.broken += 1));
    socket.on('close', resolve);
  });

const HEAD_END = Buffer.from('\r\n\r\n');

/** Where the answer ends; `undefined` while it is not complete. Both forms of a body's length that our servers use. */
const answerEnd = (bytes) => {
  const head = bytes.indexOf(HEAD_END);
  if (head < 0) return undefined;
  const text = bytes.toString('latin1', 0, head).toLowerCase();
  const length = /content-length: (\d+)/.exec(text);
  if (length) return bytes.length >= head + 4 + Number(length[1]) ? head + 4 + Number(length[1]) : undefined;
  if (!text.includes('transfer-encoding: chunked')) return head + 4;
  const last = bytes.indexOf('0\r\n\r\n', head + 2);
  return last < 0 ? undefined : last + 5;
};
