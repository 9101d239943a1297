import { connect } from 'node:net';

/** What Redis answers, less what tests do not ask for. */
export type RespValue = string | number | null | RespValue[];

/** Redis' own protocol (RESP2), one command a connection: enough to look at a Redis, and to change its settings, from a test. */
export const askRedis = (port: number, password: string | undefined, args: readonly (string | number)[], timeoutMs = 10_000): Promise<RespValue> =>
  new Promise((resolve, reject) => {
    const commands = password === undefined ? [args] : [['AUTH', password], args];
    const socket = connect(port, '127.0.0.1', () => socket.write(commands.map(encode).join('')));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`Redis did not answer ${args.join(' ')} within ${timeoutMs} ms`)));
    let heard = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`Redis closed the connection at ${args.join(' ')}`)));
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk]);
      const values = readAll(heard, commands.length);
      if (values === undefined) return;
      socket.removeAllListeners('close').destroy();
      const refusal = values.find((value) => value instanceof Error);
      if (refusal) reject(refusal);
      else resolve(values.at(-1) as RespValue);
    });
  });

const encode = (args: readonly (string | number)[]): string => `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(String(arg))}\r\n${arg}\r\n`).join('')}`;

type Read = { value: RespValue | Error; end: number };

const readAll = (bytes: Buffer, count: number): (RespValue | Error)[] | undefined => {
  const values: (RespValue | Error)[] = [];
  for (let at = 0; values.length < count; ) {
    const read = readOne(bytes, at);
    if (!read) return undefined;
    values.push(read.value);
    at = read.end;
  }
  return values;
};

/** `undefined`: not whole yet. */
const readOne = (bytes: Buffer, at: number): Read | undefined => {
  const newline = bytes.indexOf('\r\n', at);
  if (newline < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, newline);
  const end = newline + 2;
  switch (String.fromCharCode(bytes[at] as number)) {
    case '+':
      return { value: line, end };
    case '-':
      return { value: new Error(line), end };
    case ':':
      return { value: Number(line), end };
    case '$':
      return readBulk(bytes, end, Number(line));
    case '*':
      return readArray(bytes, end, Number(line));
    default:
      throw new Error(`no RESP: ${line}`);
  }
};

const readBulk = (bytes: Buffer, start: number, length: number): Read | undefined => {
  if (length < 0) return { value: null, end: start };
  return bytes.length < start + length + 2 ? undefined : { value: bytes.toString('utf8', start, start + length), end: start + length + 2 };
};

const readArray = (bytes: Buffer, start: number, length: number): Read | undefined => {
  const values: RespValue[] = [];
  let end = start;
  for (let i = 0; i < length; i += 1) {
    const read = readOne(bytes, end);
    if (!read) return undefined;
    values.push(read.value as RespValue);
    end = read.end;
  }
  return { value: length < 0 ? null : values, end };
};
