// The floor: the least a durable pipeline can do, with no features. Not production code; a yardstick that our own pipeline is divided by.
import { connect, headers, nuid } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';

export { headers, jetstream, jetstreamManager };
export const nats = () => connect({ servers: process.env.FLOOR_NATS });

const check = (reply) => {
  const answer = JSON.parse(reply.string());
  if (answer.error) throw new Error(JSON.stringify(answer.error));
};

const MAX = 500;
const FEW = 8;
const IN_FLIGHT = 2;

/** Group commit without timers: at most two groups under way; what arrives meanwhile is the next. A few go as pipelined singles, many as one atomic batch. */
export const grouper = (nc) => {
  const waiting = [];
  let flying = 0;
  let poked = false;
  const ask = (x, h) => nc.request(x.subject, x.data, { headers: h, timeout: 10_000 }).then(check);
  const batch = (group) => {
    const id = nuid.next();
    let committed;
    group.forEach((x, i) => {
      const h = x.headers ?? headers();
      h.set('Nats-Batch-Id', id);
      h.set('Nats-Batch-Sequence', String(i + 1));
      if (i < group.length - 1) nc.publish(x.subject, x.data, { headers: h });
      else {
        h.set('Nats-Batch-Commit', '1');
        committed = ask(x, h);
      }
    });
    return committed;
  };
  const send = async (group) => {
    flying += 1;
    try {
      await (group.length <= FEW ? Promise.all(group.map((x) => ask(x, x.headers ?? headers()))) : batch(group));
      for (const x of group) x.resolve();
    } catch (error) {
      for (const x of group) x.reject(error);
    } finally {
      flying -= 1;
      poke();
    }
  };
  const poke = () => {
    if (poked || waiting.length === 0 || flying >= IN_FLIGHT) return;
    poked = true;
    setImmediate(() => {
      poked = false;
      if (waiting.length > 0 && flying < IN_FLIGHT) void send(waiting.splice(0, MAX));
      poke();
    });
  };
  return (subject, data, h) =>
    new Promise((resolve, reject) => {
      waiting.push({ subject, data, headers: h, resolve, reject });
      poke();
    });
};

const MAX_PAGE_BYTES = 256 * 1024;
const NEWLINE = Buffer.from('\n');

/** Facts in pages: all that waits goes as one message of lines. */
export const pager = (nc, subject) => {
  const waiting = [];
  let flying = 0;
  let poked = false;
  const take = () => {
    let count = 0;
    let bytes = 0;
    while (count < waiting.length && (count === 0 || bytes + waiting[count].data.length < MAX_PAGE_BYTES)) bytes += waiting[count++].data.length;
    return waiting.splice(0, count);
  };
  const send = async (page) => {
    flying += 1;
    try {
      check(await nc.request(subject, Buffer.concat(page.flatMap((x) => [x.data, NEWLINE])), { timeout: 10_000 }));
      for (const x of page) x.resolve();
    } catch (error) {
      for (const x of page) x.reject(error);
    } finally {
      flying -= 1;
      poke();
    }
  };
  const poke = () => {
    if (poked || waiting.length === 0 || flying >= IN_FLIGHT) return;
    poked = true;
    setImmediate(() => {
      poked = false;
      if (waiting.length > 0 && flying < IN_FLIGHT) void send(take());
      poke();
    });
  };
  return (data) =>
    new Promise((resolve, reject) => {
      waiting.push({ data: Buffer.from(data), resolve, reject });
      poke();
    });
};
