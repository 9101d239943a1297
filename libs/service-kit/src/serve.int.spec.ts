import { once } from 'node:events';
import { connect } from 'node:net';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { eventually } from '@spillway/testing';
import { fastifyOf, lines, problemFrom, send, service, slowRoute, start, stopAll } from '../test/service.ts';
import { Health } from './health.ts';
import { ProblemError } from './problem-error.ts';
import { serve } from './serve.ts';

afterEach(stopAll);

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
    const { prepare, reached, letGo } = slowRoute();
    const health = new Health();
    const { url, stop } = await start({ prepare, health });
    const slow = fetch(`${url}/slow`);
    await reached;
    const stopped = stop();
    await eventually(() => expect(health.snapshot()).toEqual({ ok: false, checks: { service: { ok: false, detail: 'stopping' } } }));
    letGo();
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
});
