import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A receiver that writes to the socket itself, since no HTTP server would do what hostile ones do. */
export type RawReceiver = { port: number; url: string; sockets: Socket[]; requests: string[]; /** May be called twice. */ stop(): Promise<void> };

/** Told of each connection; `asked` fulfils with the first bytes of a request. */
export type RawHandler = (socket: Socket, asked: Promise<string>) => void | Promise<void>;

const watch = (receiver: RawReceiver, socket: Socket, handler: RawHandler): void => {
  receiver.sockets.push(socket);
  // the client hanging up is what these tests are about
  socket.on('error', () => socket.destroy());
  const asked = new Promise<string>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      if (text.startsWith('POST ')) receiver.requests.push(text);
      resolve(text);
    });
  });
  void Promise.resolve(handler(socket, asked));
};

const stop = async (server: Server, sockets: readonly Socket[]): Promise<void> => {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
};

export const startRawReceiver = async (handler: RawHandler, scheme: 'http' | 'https' = 'http'): Promise<RawReceiver> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const receiver: RawReceiver = { port, url: `${scheme}://127.0.0.1:${port}/hook`, sockets: [], requests: [], stop: () => stop(server, receiver.sockets) };
  server.on('connection', (socket) => watch(receiver, socket, handler));
  return receiver;
};

/** Writes the same again and again, as fast as it is taken, until the client hangs up. */
export const flood = (socket: Socket, text: string): void => {
  const write = (): void => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on('drain', write);
  write();
};

/** Writes one byte at a time, for ever, until the client hangs up. */
export const drip = (socket: Socket, everyMs: number, byte = 'x'): void => {
  const timer = setInterval(() => socket.write(byte), everyMs);
  socket.once('close', () => clearInterval(timer));
};
