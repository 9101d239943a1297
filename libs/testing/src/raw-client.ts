import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One connection that speaks HTTP by hand, and keeps all it heard. */
export class RawClient {
  heard = '';
  closedAfterMs: number | undefined;
  private readonly startedAt = performance.now();

  constructor(
    url: string,
    readonly socket: Socket = connect(Number(new URL(url).port), '127.0.0.1'),
  ) {
    socket.on('data', (chunk) => (this.heard += chunk.toString('latin1')));
    socket.on('error', () => undefined); // a reset, once the answer is out, is as good as an end
    socket.once('close', () => (this.closedAfterMs = performance.now() - this.startedAt));
  }

  say(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** A character each `everyMs`, until it is all said or the other side hangs up. */
  drip(text: string, everyMs: number): this {
    let at = 0;
    const dripping = setInterval(() => (at < text.length ? this.socket.write(text.charAt(at++)) : clearInterval(dripping)), everyMs);
    this.socket.once('close', () => clearInterval(dripping));
    return this;
  }

  async closed(): Promise<string> {
    if (this.closedAfterMs === undefined) await once(this.socket, 'close');
    return this.heard;
  }

  /** Of the answers so far, in their order. */
  get statuses(): number[] {
    return [...this.heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  }
}
