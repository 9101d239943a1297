import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const TENANT = 'fleet';

/** The receivers, in a process of their own. */
export const startReceivers = async () => {
  const child = fork(fileURLToPath(new URL('receivers.mjs', import.meta.url)));
  const [ports] = await once(child, 'message');
  const ask = async (what) => {
    child.send(what);
    return (await once(child, 'message'))[0];
  };
  return {
    ...ports,
    /** What was seen since it was asked last, or told something. */
    seen: () => ask('seen'),
    beSick: () => ask('sick'),
    beWell: () => ask('well'),
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

/** 70 % healthy, 10 % hang until their timeout, 10 % answer 500, 5 % refuse connections, 5 % drip. */
const urlOf = (n, count, { healthyPort, sickPort, refusingPort }) => {
  const sick = `http://127.0.0.1:${sickPort}`;
  if (n < count * 0.7) return { url: `http://127.0.0.1:${healthyPort}/healthy/${n}`, healthy: true };
  if (n < count * 0.8) return { url: `${sick}/hang/${n}` };
  if (n < count * 0.9) return { url: `${sick}/fail/${n}` };
  return n < count * 0.95 ? { url: `http://127.0.0.1:${refusingPort}/refuse/${n}` } : { url: `${sick}/drip/${n}` };
};

/** Each endpoint has an event type of its own: `fleet.<n>`. */
export const createFleet = async (plane, receivers, count) => {
  const endpoints = [];
  for (let n = 0; n < count; n += 1) {
    const { url, healthy = false } = urlOf(n, count, receivers);
    const type = `fleet.${n}`;
    const { id } = await plane.createEndpoint(TENANT, { url, types: [type] });
    endpoints.push({ id, type, healthy });
  }
  const change = async (id, to) => {
    const { status, body } = await plane.ask('PATCH', `${plane.app('console').url}/v1/tenants/${TENANT}/endpoints/${id}`, to);
    if (status !== 200) throw new Error(`endpoint not changed: ${status} ${body}`);
  };
  return {
    tenant: TENANT,
    endpoints,
    healthy: endpoints.filter(({ healthy }) => healthy),
    /** Enabling again forgets what was learnt of an endpoint: each time it hangs its first slots anew, and each cure is found at once. */
    forgetSick: async () => {
      for (const { id } of endpoints.filter(({ healthy }) => !healthy)) for (const enabled of [false, true]) await change(id, { enabled });
    },
  };
};
