// What is measured: each takes the same requests, as it wants them, and delivers to the same receiver.
const PAD = 'x'.repeat(900);

const rawRequest = (port, path, headers, body) => {
  const lines = [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), `Content-Length: ${Buffer.byteLength(body)}`];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
};

const subject = ({ name, port, path, headers, body, pids }) => {
  const fixed = rawRequest(port, path, headers, body(undefined));
  return { name, port, path, headers, body, pids, request: () => fixed };
};

const eventBody = (sentAt) => JSON.stringify({ tenant: 'bench', type: 'invoice.paid', data: { ...(sentAt && { sentAt }), id: 'inv_1', pad: PAD } });

/** One KiB an event, one endpoint, one key. */
export const ourSubject = (plane, port, { apps = ['ingest', 'dedupe', 'dispatcher', 'console'], batch } = {}) =>
  subject({
    name: 'spillway',
    port,
    path: batch ? '/v1/events/batch' : '/v1/events',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${plane.adminKey}` },
    body: batch ? () => `[${Array.from({ length: batch }, () => eventBody()).join(',')}]` : eventBody,
    pids: { nats: plane.broker.pid, ...Object.fromEntries(apps.map((app) => [app, plane.app(app).pid])) },
  });

/** The same events again and again, in so many batches by turns. */
export const repeatsSubject = (plane, batch, batches) => {
  const { port, path, headers, pids } = ourSubject(plane, Number(new URL(plane.app('ingest').url).port), { apps: ['ingest', 'dedupe'], batch });
  const eventOf = (n) => JSON.stringify({ ...JSON.parse(eventBody()), id: `repeat-${n}` });
  const fixed = Array.from({ length: batches }, (_, i) => rawRequest(port, path, headers, `[${Array.from({ length: batch }, (__, j) => eventOf(i * batch + j)).join(',')}]`));
  let next = 0;
  return { port, pids, request: () => fixed[next++ % batches] };
};

const plain = { 'content-type': 'application/json' };
const plainBody = (sentAt) => JSON.stringify({ type: 'invoice.paid', data: { ...(sentAt && { sentAt }), id: 'inv_1', pad: PAD } });

export const floorSubject = ({ ingestPort, pids: { relay: _relay, ...pids } }) => subject({ name: 'floor', port: ingestPort, path: '/', headers: plain, body: plainBody, pids });

export const relaySubject = ({ relayPort, pids: { relay } }) => subject({ name: 'relay', port: relayPort, path: '/', headers: plain, body: plainBody, pids: { relay } });
