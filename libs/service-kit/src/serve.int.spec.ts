import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { Controller, Get, Inject, Injectable, Module, Post } from '@nestjs/common';
import { EventPattern, Payload, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createLogger, Metrics, type Logger } from '@spillway/telemetry';
import { eventually } from '@spillway/testing';
import type { FastifyInstance } from 'fastify';
import { Health } from './health.ts';
import { loadConfig } from './load-config.ts';
import { ProblemError } from './problem-error.ts';
import { serve, type Service, type Serving } from './serve.ts';
import { ServiceConfig } from './service-config.ts';
import { LOG } from './service.module.ts';

class OwnConfig extends ServiceConfig {}

@Injectable()
class Everything {
  constructor(readonly health: Health, readonly metrics: Metrics, readonly base: ServiceConfig, readonly own: OwnConfig, @Inject(LOG) readonly log: Logger) {}
}

@Controller()
class Pages {
  constructor(private readonly everything: Everything) {}

  @Get('/injected')
  injected() {
    const { own, base, metrics, log, health } = this.everything;
    return { same: own === base, app: metrics.app, logs: typeof log.info, health: typeof health.snapshot };
  }

  @Post('/things/:id')
  take() {
    throw new ProblemError(429, 'tenant_quota', 'used up', { quota: 'messages' }, { 'retry-after': '3' });
  }

  @Get('/broken')
  broken() {
    throw new Error('hunter2');
  }

  @EventPattern('work')
  work(@Payload() work: string) {
    return work;
  }
}

@Module({ controllers: [Pages], providers: [Everything] })
class PagesModule {}

/** Everything that the service logged. */
const lines: Record<string, unknown>[] = [];
const log = createLogger('test', 'info', { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });

const service = (over: Partial<Service> = {}, env: Record<string, string> = {}): Service => ({
  app: 'test',
  portOffset: 0,
  config: loadConfig(OwnConfig, { SPILLWAY_PORT_BASE: '0', ...env }),
  module: PagesModule,
  health: new Health(),
  metrics: new Metrics('test'),
  log,
  ...over,
});

const running: Serving[] = [];
const start = async (over: Partial<Service> = {}, env: Record<string, string> = {}): Promise<Serving> => {
  const serving = await serve(service(over, env));
  running.push(serving);
  return serving;
};

beforeEach(() => void lines.splice(0));
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

const problemFrom = async (answer: Response) => {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await answer.json()) as { status: number; code: string; [more: string]: unknown };
  expect(problem).toMatchObject({ type: 'about:blank', status: answer.status, title: expect.any(String), detail: expect.any(String) });
  return problem;
};

const send = (url: string, body: string, type: string) => fetch(url, { method: 'POST', body, headers: { 'content-type': type } });

describe('status pages', () => {
  it('says whether it lives and whether it may be sent to', async () => {
    const health = new Health();
    let connected = false;
    health.check('broker', () => ({ ok: connected }));
    const { url } = await start({ health });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    connected = true;
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { ok: true, checks: { broker: { ok: true }, service: { ok: true, detail: 'serving' } } }]);
    expect(lines.filter(({ msg }) => msg === 'ready')).toMatchObject([{ url }]);
  });

  it('counts requests by template and status, never by path', async () => {
    const { url } = await start();
    await fetch(`${url}/things/secret-id`, { method: 'POST' });
    await fetch(`${url}/nowhere/secret-id`);
    const text = await eventually(async () => {
      const page = await (await fetch(`${url}/metrics`)).text();
      expect(page).toContain('http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",http_route="unmatched"} 1');
      return page;
    });
    expect(text).toContain('http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="429",http_route="/things/:id"} 1');
    expect(text).not.toContain('secret-id');
  });

  it('shows its metrics off loopback only to who knows the key; health needs none', async () => {
    const { url } = await start({}, { SPILLWAY_BIND: '0.0.0.0', SPILLWAY_STATUS_KEY: 'a-key-of-some-length' });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await problemFrom(await fetch(`${url}/metrics`))).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect((await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer a-key-of-some-length' } })).status).toBe(200);
  });

  it('warns of a page that nobody can see', async () => {
    const { url } = await start({}, { SPILLWAY_BIND: '0.0.0.0' });
    expect(await problemFrom(await fetch(`${url}/metrics`))).toMatchObject({ status: 403, code: 'status_key_unset' });
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', msg: expect.stringContaining('SPILLWAY_STATUS_KEY is not set') }));
  });
});

describe('errors', () => {
  it('answers what a handler throws', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/things/1`, { method: 'POST' });
    expect(answer.headers.get('retry-after')).toBe('3');
    expect(await problemFrom(answer)).toMatchObject({ status: 429, code: 'tenant_quota', quota: 'messages' });
  });

  it('keeps what it did not foresee to its log, under the instance it answers with', async () => {
    const { url } = await start();
    const problem = await problemFrom(await fetch(`${url}/broken`));
    expect(problem).toMatchObject({ status: 500, code: 'internal' });
    expect(JSON.stringify(problem)).not.toContain('hunter2');
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', instance: problem['instance'], err: expect.objectContaining({ message: 'hunter2' }) }));
  });

  it.each([
    ['malformed JSON', '{"a":', 'application/json', 400, 'malformed_json'],
    ['a body that is no JSON at all', 'a', 'application/json', 400, 'malformed_json'],
    ['a prototype in disguise', String.raw`{"a":{"\u005f_proto__":1}}`, 'application/json', 400, 'malformed_json'],
    ['another media type', '<a/>', 'application/xml', 415, 'unsupported_media_type'],
    ['text', 'a', 'text/plain', 415, 'unsupported_media_type'],
    ['300 kB', JSON.stringify('x'.repeat(300_000)), 'application/json', 413, 'payload_too_large'],
  ])('refuses %s', async (_, body, type, status, code) => {
    const { url } = await start();
    expect(await problemFrom(await send(`${url}/things/1`, body, type))).toMatchObject({ status, code });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('says what is not there, and what is there by another method', async () => {
    const { url } = await start();
    expect(await problemFrom(await fetch(`${url}/nowhere?a=1`))).toMatchObject({ status: 404, code: 'not_found', detail: 'there is nothing at /nowhere' });
    const wrong = await fetch(`${url}/things/1`, { method: 'DELETE' });
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await problemFrom(wrong)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(await problemFrom(await fetch(`${url}/%zz`))).toMatchObject({ status: 400, code: 'malformed_url' });
  });

  it('does not read a huge body to the end in order to refuse it', async () => {
    const { url } = await start();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString())).on('error', () => undefined);
    socket.write('POST /things/1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000000000\r\n\r\n');
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*connection: close[^]*payload_too_large/i);
  });

  it('does not read chunks without end either', async () => {
    const { url } = await start();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString())).on('error', () => undefined);
    socket.write('POST /things/1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'x'.repeat(0x1_0000)}\r\n`;
    const dripping = setInterval(() => socket.write(chunk), 5);
    await once(socket, 'close');
    clearInterval(dripping);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(socket.bytesWritten).toBeLessThan(50_000_000);
  });

  it('answers what is not HTTP, or has headers without end, as a problem too', async () => {
    const { url } = await start();
    const { hostname, port } = new URL(url);
    const say = async (text: string) => {
      const socket = connect(Number(port), hostname);
      let heard = '';
      socket.on('data', (chunk) => (heard += chunk.toString())).on('error', () => undefined);
      socket.write(text);
      await once(socket, 'close');
      return heard;
    };
    expect(await say('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*problem\+json[^]*malformed_request/);
    expect(await say(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 [^]*headers_too_large/);
  });

  it('frees the connection of a sender that drips', async () => {
    const { url } = await start({ fastify: { requestTimeout: 200, http: { headersTimeout: 200, connectionsCheckingInterval: 50 } } });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString())).on('error', () => undefined);
    socket.write('POST /things/1 HTTP/1.1\r\n');
    const dripping = setInterval(() => socket.write('x'), 20);
    await once(socket, 'close');
    clearInterval(dripping);
    expect(heard).toMatch(/^HTTP\/1\.1 408 [^]*request_timeout/);
  });
});

const fastifyOf = (nest: NestFastifyApplication): FastifyInstance => nest.getHttpAdapter().getInstance();

const takeRawBodies = (nest: NestFastifyApplication): void => {
  const fastify = fastifyOf(nest);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  fastify.post('/raw', async ({ body }) => ({ bytes: (body as Buffer).length }));
  fastify.post('/refused', async () => {
    throw new ProblemError(503, 'ingest_full', 'full');
  });
};

/** Notes what happens to it, in order; `close` waits to be let go. */
class Recorder extends Server implements CustomTransportStrategy {
  readonly notes: string[] = [];
  letGo: () => void = () => undefined;
  private readonly gate = new Promise<void>((done) => {
    this.letGo = done;
  });

  listen(done: (error?: unknown) => void): void {
    this.notes.push(`listens for ${[...this.messageHandlers.keys()].join()}`);
    done();
  }

  async close(): Promise<void> {
    this.notes.push('closing');
    await this.gate;
    this.notes.push('closed');
  }

  on(): never {
    throw new Error('not used');
  }

  unwrap(): never {
    throw new Error('not used');
  }
}

describe('starting and stopping', () => {
  it('makes what the process has one of known to every module', async () => {
    const { url } = await start();
    expect(await (await fetch(`${url}/injected`)).json()).toEqual({ same: true, app: 'test', logs: 'function', health: 'function' });
  });

  it('lets an app put its own parsers and routes on Fastify', async () => {
    const { url } = await start({ prepare: takeRawBodies });
    expect(await (await send(`${url}/raw`, '{"__proto__"', 'application/json')).json()).toEqual({ bytes: 12 });
    expect(await problemFrom(await send(`${url}/refused`, '1', 'application/json'))).toMatchObject({ status: 503, code: 'ingest_full' });
  });

  it('stops in two phases: takes nothing more, lets what it has settle, closes last', async () => {
    const strategy = new Recorder();
    const { url, stop } = await start({ strategy, close: async () => void strategy.notes.push('connections closed') });
    expect(strategy.notes).toEqual(['listens for work']);
    const stopped = stop();
    await eventually(() => expect(strategy.notes).toContain('closing'));
    await expect(fetch(`${url}/readyz`)).rejects.toThrow('fetch failed'); // no new connection is taken
    expect(strategy.notes).not.toContain('connections closed');
    strategy.letGo();
    await stopped;
    await stop();
    expect(strategy.notes).toEqual(['listens for work', 'closing', 'closed', 'connections closed']);
  });

  it('says on an open connection that it stops, and still answers what is in flight', async () => {
    const gate = new EventEmitter();
    const prepare = (nest: NestFastifyApplication) => {
      fastifyOf(nest).get('/slow', async () => {
        gate.emit('reached');
        await once(gate, 'open');
        return { done: true };
      });
    };
    const health = new Health();
    const { url, stop } = await start({ prepare, health });
    const reached = once(gate, 'reached');
    const slow = fetch(`${url}/slow`);
    await reached;
    const stopped = stop();
    await eventually(() => expect(health.snapshot()).toEqual({ ok: false, checks: { service: { ok: false, detail: 'stopping' } } }));
    gate.emit('open');
    const answer = await slow;
    expect([answer.status, answer.headers.get('connection'), await answer.json()]).toEqual([200, 'close', { done: true }]);
    await stopped;
  });

  it('leaves when the budget is used up, and says so', async () => {
    const strategy = new Recorder();
    const closed: string[] = [];
    const { stop } = await start({ strategy, drainBudgetMs: 100, close: async () => void closed.push('closed') });
    await stop();
    expect(closed).toEqual(['closed']);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', drainBudgetMs: 100 }));
    strategy.letGo();
  });

  it('is not held up by a client that keeps its connection and says nothing', async () => {
    const { url, stop } = await start({ drainBudgetMs: 60_000 });
    const { hostname, port } = new URL(url);
    const silent = connect(Number(port), hostname);
    await once(silent, 'connect');
    await fetch(`${url}/healthz`); // leaves a kept-alive connection behind
    await stop();
    await eventually(() => expect(silent.destroyed || silent.readableEnded).toBe(true));
  });

  it('gives everything back when a start fails half-way', async () => {
    const strategy = new Recorder();
    strategy.listen = (done) => done(new Error('no handler for [dedupe-fresh]'));
    strategy.letGo();
    const closed: string[] = [];
    let url = '';
    const prepare = (nest: NestFastifyApplication) => {
      nest.getHttpServer().on('listening', () => {
        url = `http://127.0.0.1:${(nest.getHttpServer().address() as { port: number }).port}`;
      });
    };
    await expect(serve(service({ strategy, prepare, close: async () => void closed.push('closed') }))).rejects.toThrow('no handler for [dedupe-fresh]');
    expect(closed).toEqual(['closed']);
    expect(url).not.toBe('');
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('names the address that is not one of this machine', async () => {
    await expect(serve(service({}, { SPILLWAY_BIND: '192.0.2.1' }))).rejects.toThrow('test cannot listen on SPILLWAY_BIND=192.0.2.1');
  });

  it('takes no more connections than it may, tells the others so, and counts both', async () => {
    const { url } = await start({ fastify: { maxConnections: 2 } });
    const { hostname, port } = new URL(url);
    const open = [1, 2].map(() => connect(Number(port), hostname));
    await Promise.all(open.map((socket) => once(socket, 'connect')));
    const third = connect(Number(port), hostname).on('error', () => undefined);
    let heard = '';
    third.on('data', (chunk) => (heard += chunk.toString()));
    await once(third, 'close');
    expect(heard).toMatch(/^HTTP\/1\.1 503 [^]*connection: close\r\n[^]*"code":"too_many_connections"/);
    open[0]?.destroy();
    const page = await eventually(async () => {
      const answer = await fetch(`${url}/metrics`, { headers: { connection: 'close' } });
      expect(answer.status).toBe(200);
      return answer.text();
    });
    expect(page).toMatch(/^http_server_open_connections(?:{.*})? 2$/m);
    expect(page).toMatch(/^http_server_open_connections_max(?:{.*})? 2$/m);
    expect(page).toMatch(/^spillway_http_connections_refused_total(?:{.*})? \d+$/m);
    open[1]?.destroy();
  });

  it('tells of a fault behind a request only when that has its answer', async () => {
    const gate = new EventEmitter();
    const prepare = (nest: NestFastifyApplication) => {
      fastifyOf(nest).get('/slow', async () => {
        gate.emit('reached');
        await once(gate, 'open');
        return { done: true };
      });
    };
    const { url } = await start({ prepare });
    const { hostname, port } = new URL(url);
    const reached = once(gate, 'reached');
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\nnonsense\r\n\r\n');
    await reached;
    socket.write('and more nonsense\r\n\r\n');
    await fetch(`${url}/healthz`); // what would have been said too early is said by now
    expect(heard).toBe('');
    gate.emit('open');
    await once(socket, 'close');
    expect(heard).toMatch(/^HTTP\/1\.1 200 [^]*\{"done":true\}HTTP\/1\.1 400 [^]*malformed_request/);
  });
});
