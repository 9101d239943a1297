import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { SeenAnswer } from '@spillway/testing';
import type { Written } from './written.ts';

/** Above every timeout of the ingest under test. */
const HANGS_AFTER_MS = 60_000;

/** One connection as long as it lasts, then the next. Requests one after the other, answers read to their last byte. */
export class Exchange {
  private socket: Socket | undefined;
  private pending = Buffer.alloc(0);

  constructor(private readonly port: number) {}

  /** @returns the answers that came; fewer than expected when the other side hung up */
  async ask({ bytes, answers, isWhole, method }: Written): Promise<SeenAnswer[]> {
    const socket = (this.socket ??= await this.open());
    socket.write(bytes);
    const seen: SeenAnswer[] = [];
    while (seen.length < answers) {
      const answer = await this.next(socket, method);
      if (answer === undefined) break;
      if (answer.status >= 200) seen.push(answer);
      if (answer.headers['connection'] === 'close') break;
    }
    // an answer to HEAD says how long its body would be, and one to what is no HTTP has one all the same
    if (!isWhole || method === 'HEAD' || seen.length < answers || seen.at(-1)?.headers['connection'] === 'close') this.close();
    return seen;
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
    this.pending = Buffer.alloc(0);
  }

  private async open(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1').setNoDelay(true).on('error', () => undefined);
    socket.setTimeout(HANGS_AFTER_MS, () => socket.destroy(new Error('no answer')));
    await once(socket, 'connect');
    return socket;
  }

  private async next(socket: Socket, method: string): Promise<SeenAnswer | undefined> {
    for (;;) {
      const parsed = parse(this.pending, method);
      if (parsed) {
        this.pending = this.pending.subarray(parsed.bytes);
        return parsed.answer;
      }
      const chunk = await more(socket);
      if (chunk === undefined) return undefined;
      this.pending = Buffer.concat([this.pending, chunk]);
    }
  }
}

const more = async (socket: Socket): Promise<Buffer | undefined> => {
  if (socket.destroyed || socket.readableEnded) return undefined;
  const unread = socket.read() as Buffer | null;
  if (unread !== null) return unread;
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('readable', done).off('close', done).off('end', done);
      resolve((socket.read() as Buffer | null) ?? undefined);
    };
    socket.once('readable', done).once('close', done).once('end', done);
  });
};

/** What servers of ours answer has a length, or no body. */
const parse = (bytes: Buffer, method: string): { answer: SeenAnswer; bytes: number } | undefined => {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  const length = method === 'HEAD' ? 0 : Number(headers['content-length'] ?? 0);
  const all = end + 4 + length;
  if (bytes.length < all) return undefined;
  return { answer: { status, headers: { ...headers, connection: headers['connection']?.toLowerCase() }, body: bytes.toString('utf8', end + 4, all) }, bytes: all };
};
