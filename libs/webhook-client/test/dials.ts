import { channel } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

export type Dials = {
  /** `address:port` of every connection that the socket layer began, told by itself. */
  readonly made: string[];
  readonly sockets: Socket[];
  stop(): void;
};

/** Node tells of every client socket before it connects, and the socket of every address it tries. */
export const recordDials = (): Dials => {
  const made: string[] = [];
  const sockets: Socket[] = [];
  const record = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    sockets.push(socket);
    socket.on('connectionAttempt', (address: string, port: number) => made.push(`${address}:${port}`));
  };
  channel('net.client.socket').subscribe(record);
  return { made, sockets, stop: () => channel('net.client.socket').unsubscribe(record) };
};
