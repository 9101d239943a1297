import type { ServerResponse } from 'node:http';
import { setInterval as every } from 'node:timers';
import { startReceiver, type Receiver } from '@spillway/testing';

export type Sickness = 'hang' | 'drip' | 'fail';

/** What a deadline has to end: it never comes to the end of a status line. */
const DRIP_EVERY_MS = 1_000;

/**
 * Endpoints at `/hang.<n>`, `/drip.<n>` and `/fail.<n>`, healthy until they fall sick, and again when they are cured. Counts the attempts that the first two hold: a slot each, until the
 * sender's deadline.
 */
export class SickEndpoints {
  held = 0;
  mostHeld = 0;
  private areSick = false;
  private readonly hanging = new Set<ServerResponse>();

  private constructor(
    private readonly receiver: Receiver,
    /** Told of every attempt that is answered well. */
    private readonly onDelivered: (path: string, event: string, at: number) => void,
  ) {
    receiver.handler = ({ url, headers, at }, response) => {
      const event = String(headers['webhook-id']);
      if (this.areSick) return this.beSick(url, response);
      this.onDelivered(url, event, at);
      return 200;
    };
  }

  static async start(onDelivered: (path: string, event: string, at: number) => void): Promise<SickEndpoints> {
    return new SickEndpoints(await startReceiver(), onDelivered);
  }

  get url(): string {
    return this.receiver.url;
  }

  fallSick(): void {
    this.areSick = true;
  }

  /** From now on every attempt is answered; those that hang are cut off. */
  cure(): void {
    this.areSick = false;
    for (const response of this.hanging) response.socket?.destroy();
  }

  stop(): Promise<void> {
    return this.receiver.stop();
  }

  private beSick(path: string, response: ServerResponse): number | undefined {
    if (path.startsWith('/fail')) return 500;
    this.mostHeld = Math.max(this.mostHeld, ++this.held);
    this.hanging.add(response);
    const dripping = path.startsWith('/drip') ? this.drip(response) : undefined;
    response.once('close', () => {
      clearInterval(dripping);
      this.hanging.delete(response);
      this.held -= 1;
    });
    return undefined;
  }

  private drip({ socket }: ServerResponse): NodeJS.Timeout {
    socket?.write('HTTP/1.1 200');
    return every(() => socket?.write(' '), DRIP_EVERY_MS);
  }
}
