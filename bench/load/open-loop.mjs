// Open loop: a fixed rate, whatever the answers do; latency counts from the moment a request was due to the moment the receiver had it.
import http from 'node:http';

/** @param {{ port: number, path: string, headers: Record<string, string>, ratePerSecond: number, seconds: number, body: (sentAt: number) => string }} load */
export const openLoop = async ({ port, path, headers, ratePerSecond, seconds, body }) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
  const total = ratePerSecond * seconds;
  const startedAt = performance.now();
  let sent = 0;
  let answered = 0;
  let refused = 0;
  const send = () => {
    const text = body(performance.timeOrigin + performance.now());
    const request = http.request({ port, host: '127.0.0.1', path, method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(text) } }, (response) => {
      response.resume();
      response.on('end', () => {
        answered += 1;
        if (response.statusCode !== 202) refused += 1;
      });
    });
    request.on('error', () => {
      answered += 1;
      refused += 1;
    });
    request.end(text);
  };
  await new Promise((resolve) => {
    const beat = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * ratePerSecond));
      while (sent < due) {
        sent += 1;
        send();
      }
      if (sent < total) return;
      clearInterval(beat);
      resolve();
    }, 1);
  });
  for (const deadline = performance.now() + 20_000; answered < total && performance.now() < deadline; ) await new Promise((resolve) => setTimeout(resolve, 20));
  agent.destroy();
  return { sent, answered, refused };
};
