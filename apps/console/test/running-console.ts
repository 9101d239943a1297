import { newMasterKey } from '@spillway/endpoints';
import { startPlaneBroker, type PlaneBroker, type PlaneBrokerOptions } from '@spillway/jetstream/testing';
import type { Scope } from '@spillway/keys';
import { loadConfig, serve } from '@spillway/service-kit';
import { eventually } from '@spillway/testing';
import { ConsoleConfig } from '../src/console.config.ts';
import { consoleApp } from '../src/console.ts';

export type Answer = { status: number; headers: Headers; body: Record<string, unknown> };
export type Calling = { key?: string | undefined; body?: unknown; headers?: Record<string, string>; raw?: string };

export const ADMIN_KEY = 'an-admin-key-for-tests';

export type RunningConsole = {
  plane: PlaneBroker;
  url: string;
  /** As the admin unless `key` says otherwise; `key: undefined` sends none. */
  call: (method: string, path: string, calling?: Calling) => Promise<Answer>;
  /** A key made over the API. */
  keyWith: (scopes: readonly Scope[], tenant?: string) => Promise<string>;
  stop: () => Promise<void>;
  /** Only the console, where `stop` ends its broker too. */
  stopConsole: () => Promise<void>;
};

const environment = (plane: PlaneBroker, over: Record<string, string>) => ({
  SPILLWAY_PORT_BASE: '0',
  SPILLWAY_LOG_LEVEL: 'silent',
  NATS_URL: plane.url,
  SPILLWAY_WORLDS_FILE: plane.worldsFile,
  SPILLWAY_ADMIN_KEY: ADMIN_KEY,
  SPILLWAY_MASTER_KEY: newMasterKey(),
  ...over,
});

/** A console on the plane's broker, as its main.ts makes it. */
export const startConsole = async (plane: PlaneBroker, over: Record<string, string> = {}): Promise<RunningConsole> => {
  const { url, stop } = await serve(await consoleApp(loadConfig(ConsoleConfig, environment(plane, over))));
  await eventually(async () => expect((await fetch(new URL('/readyz', url))).status).toBe(200));
  const call = async (method: string, path: string, calling: Calling = {}): Promise<Answer> => {
    const { body, headers = {}, raw } = calling;
    const key = 'key' in calling ? calling.key : ADMIN_KEY;
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(new URL(path, url), {
      method,
      headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...(content === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(content === undefined ? {} : { body: content }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: (json ? JSON.parse(text) : { text }) as Answer['body'] };
  };
  const keyWith = async (scopes: readonly Scope[], tenant?: string) => {
    const { status, body } = await call('POST', '/v1/keys', { body: { scopes, ...(tenant === undefined ? {} : { tenant }) } });
    if (status !== 201) throw new Error(`no key: ${JSON.stringify(body)}`);
    return body['key'] as string;
  };
  return { plane, url, call, keyWith, stop, stopConsole: stop };
};

/** With a broker of its own. */
export const startConsoleAndBroker = async (options: PlaneBrokerOptions = {}, over: Record<string, string> = {}): Promise<RunningConsole> => {
  const plane = await startPlaneBroker(options);
  const running = await startConsole(plane, over);
  return {
    ...running,
    stop: async () => {
      await running.stop();
      await plane.stop();
    },
  };
};
