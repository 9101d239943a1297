import type { Attempted } from '../src/attempt.ts';
import { WebhookClient, type WebhookClientOptions, type WebhookRequest } from '../src/webhook-client.ts';

/** Loopback, and nothing else: what tests may dial. */
export const loopback = ['127.0.0.0/8', '::1/128'];

export const newClient = (options: Partial<WebhookClientOptions> = {}): WebhookClient =>
  new WebhookClient({ allowNetworks: loopback, allowHttp: false, lookup: () => Promise.reject(new Error('no test looks up a name by accident')), ...options });

export const body = Buffer.from('{"type":"invoice.paid","timestamp":"2026-11-22T10:00:00Z","data":{}}');

export const post = (client: WebhookClient, url: string, request: Partial<WebhookRequest> = {}): Promise<Attempted> =>
  client.post({ url, headers: { 'webhook-id': 'evt_1' }, body, timeoutMs: 10_000, ...request });
