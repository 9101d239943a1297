// A producer that knows no measure, and its receiver, in a process of their own, and behind everybody else on processors that are not theirs in any plane but a test's: what they
// cost must not be measured as what they cost others. It sends all that it is told to all the same: the test waits for it.
// Arguments: { url, key, tenant, dataBytes, requests, perSecond, connections } as JSON. Says { receiver } at once, { sent } when all were answered, and { answers, withoutRetryAfter, accepted, missing, strange } in the end.
import { Agent, createServer, request } from 'node:http';
import { constants, setPriority } from 'node:os';

setPriority(constants.priority.PRIORITY_LOW);
const { url, key, tenant, dataBytes, requests, perSecond, connections } = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const received = new Set();
const server = createServer((message, response) => {
  message.resume().on('end', () => {
    received.add(message.headers['webhook-id']);
    response.end();
  });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
say({ receiver: `http://127.0.0.1:${server.address().port}/hot` });
await new Promise((resolve) => process.stdin.once('data', resolve)); // its endpoint exists now

const agent = new Agent({ keepAlive: true, maxSockets: connections });
const target = new URL('/v1/events', url);
const body = JSON.stringify({ tenant, type: 'flood', data: 'x'.repeat(dataBytes) });
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
const answers = {};
const accepted = new Set();
let withoutRetryAfter = 0;

const sendOne = () =>
  new Promise((resolve) => {
    const sent = request(target, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part));
      response.on('end', () => {
        const { statusCode: status } = response;
        answers[status] = (answers[status] ?? 0) + 1;
        if (status === 202) accepted.add(JSON.parse(text).id);
        else if (!(Number(response.headers['retry-after']) > 0)) withoutRetryAfter += 1;
        resolve();
      });
    });
    // an answer may come, and the connection go, before such a body was read
    sent.on('error', (error) => resolve(void (answers[error.code] = (answers[error.code] ?? 0) + 1)));
    sent.end(body);
  });
const startedAt = performance.now();
let begun = 0;
const work = async () => {
  while (begun < requests) {
    const early = startedAt + (begun++ / perSecond) * 1_000 - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    await sendOne();
  }
};
await Promise.all(Array.from({ length: connections }, work));
agent.destroy();
say({ sent: true });
const missing = () => [...accepted].filter((id) => !received.has(id)).length;
for (const until = Date.now() + 120_000; missing() > 0 && Date.now() < until; ) await new Promise((resolve) => setTimeout(resolve, 50));
say({ answers, withoutRetryAfter, accepted: accepted.size, missing: missing(), strange: [...received].filter((id) => !accepted.has(id)).length });
server.close();
server.closeAllConnections();
