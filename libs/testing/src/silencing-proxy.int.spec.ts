import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from './eventually.ts';
import { NatsFrames } from './nats-frames.ts';
import { startBroker, type TestBroker } from './broker.ts';
import { startSilencingProxy, type SilencingProxy } from './silencing-proxy.ts';

let broker: TestBroker;
let proxy: SilencingProxy;
beforeAll(async () => {
  broker = await startBroker();
  proxy = await startSilencingProxy(Number(new URL(`nats://${broker.url}`).port));
});
afterAll(async () => {
  await proxy.stop();
  await proxy.stop();
  await broker.stop();
});
afterEach(() => proxy.speak());

/** A client that knows nothing but the protocol, and what was said to it. */
class Wire {
  said = '';

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => (this.said += bytes.toString()));
  }

  static async open(): Promise<Wire> {
    const socket = connect(proxy.port, '127.0.0.1');
    await once(socket, 'connect');
    const wire = new Wire(socket);
    wire.say('CONNECT {"verbose":false,"headers":true}', 'SUB answers.* 1', 'SUB facts.> 2');
    await wire.heard('INFO');
    return wire;
  }

  say(...lines: string[]): void {
    this.socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }

  heard(text: string): Promise<void> {
    return eventually(() => {
      if (!this.said.includes(text)) throw new Error(`${text} was not said: ${this.said}`);
    });
  }
}

it('loses the publications to silent subjects, and nothing else, until it speaks again', async () => {
  const wire = await Wire.open();
  proxy.silence('facts.a.', 'requests');
  wire.say('PUB facts.a.1 answers.1 5', 'lost!', 'HPUB facts.a.2 12 14', 'NATS/1.0\r\n\r\nno', 'PUB facts.b.1 answers.2 2', 'ok', 'PING');
  await wire.heard('PONG');
  expect([proxy.swallowed, wire.said.includes('facts.a'), wire.said.includes('MSG facts.b.1 2 answers.2 2')]).toEqual([2, false, true]);
  proxy.speak();
  wire.say('PUB facts.a.1 answers.1 6', 'heard!');
  await wire.heard('heard!');
  wire.socket.destroy();
});

it('loses only the answers, when told so: the publication is there, and its answer is not', async () => {
  const wire = await Wire.open();
  proxy.silence('facts.a.', 'answers');
  wire.say('PUB facts.a.1 answers.3 6', 'stored');
  await wire.heard('MSG facts.a.1 2 answers.3 6');
  wire.say('PUB answers.3 3', 'ack', 'PUB answers.4 5', 'other');
  await wire.heard('MSG answers.4 1 5');
  expect(wire.said).not.toContain('MSG answers.3');
  wire.socket.destroy();
});

it('cuts a stream into frames wherever the network cut it, payloads with line ends included', () => {
  const text = 'PING\r\nPUB a r 6\r\nx\r\n\r\ny\r\nHMSG b 7 12 14\r\nNATS/1.0\r\n\r\nno\r\nPUB c 0\r\n\r\nPONG\r\n';
  for (let at = 0; at <= text.length; at += 1) {
    const seen: string[] = [];
    const frames = new NatsFrames(({ verb, subject, reply }) => seen.push(`${verb} ${subject} ${reply ?? '-'}`) === 0 || subject === 'b');
    const passed = [text.slice(0, at), text.slice(at)].flatMap((part) => frames.pass(Buffer.from(part)));
    expect(Buffer.concat(passed).toString()).toBe('PING\r\nPUB a r 6\r\nx\r\n\r\ny\r\nPUB c 0\r\n\r\nPONG\r\n');
    expect(seen).toEqual(['PUB a r', 'HMSG b -', 'PUB c -']);
  }
});
