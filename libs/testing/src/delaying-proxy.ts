import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { TcpProxy } from './tcp-proxy.ts';

/** A network in between that can be slow: what the other side says arrives so much later, in order. */
export const startDelayingProxy = async (targetPort: number, delayMs = 0): Promise<DelayingProxy> => {
  const proxy = new DelayingProxy(targetPort, delayMs);
  await proxy.listen();
  return proxy;
};

export class DelayingProxy extends TcpProxy {
  constructor(
    targetPort: number,
    /** Of each answer, one way. May be changed while it runs. */
    public delayMs: number,
  ) {
    super(targetPort);
  }

  protected carry(client: Socket, upstream: Socket): void {
    client.on('data', (bytes) => upstream.write(bytes));
    let last: Promise<unknown> = Promise.resolve();
    upstream.on('data', (bytes) => {
      const held = pause(this.delayMs, undefined, { ref: false });
      // in line: when the delay gets shorter, nothing may overtake what was said before
      last = last.then(() => held).then(() => client.write(bytes));
    });
  }
}
