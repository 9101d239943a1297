import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** IPv4 addresses, IPv6 addresses, "no such record", an error, or silence, by type of question. */
export type Zone = Record<string, { A?: string[] | 'nothing' | 'failure' | 'silence'; AAAA?: string[] | 'nothing' | 'failure' | 'silence' }>;

const TYPE_A = 1;
const TYPE_AAAA = 28;

const nameIn = (message: Buffer): { name: string; end: number } => {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5 };
};

const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));

const bytesOf = (address: string): Buffer => {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
};

const record = (type: number, address: string): Buffer => {
  const data = bytesOf(address);
  return Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]), data]);
};

const reply = (question: Buffer, end: number, code: number, records: readonly Buffer[]): Buffer => {
  const head = Buffer.from([question[0]!, question[1]!, 0x81, 0x80 | code, 0, 1, 0, records.length, 0, 0, 0, 0]);
  return Buffer.concat([head, question.subarray(12, end), ...records]);
};

/** A name server (RFC 1035) on loopback, for a handful of names; knows no others. */
export const startNameServer = async (zone: Zone): Promise<{ address: string; questions: string[]; stop(): Promise<void> }> => {
  const questions: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const { name, end } = nameIn(message);
    const type = message.readUInt16BE(end - 4);
    const kind = type === TYPE_A ? 'A' : 'AAAA';
    questions.push(`${kind} ${name}`);
    const known = zone[name];
    const answer = known === undefined ? undefined : (known[kind] ?? 'nothing');
    if (answer === 'silence') return;
    const NO_SUCH_NAME = 3;
    const FAILURE = 2;
    const code = answer === undefined ? NO_SUCH_NAME : answer === 'failure' ? FAILURE : 0;
    const records = Array.isArray(answer) ? answer.map((one) => record(type === TYPE_AAAA ? TYPE_AAAA : TYPE_A, one)) : [];
    socket.send(reply(message, end, code, records), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    stop: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
};
