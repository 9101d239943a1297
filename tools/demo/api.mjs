import { Refusal } from '../refusal.mjs';

/** The services' own deadlines are shorter. */
const ANSWER_WITHIN_MS = 15_000;

/** @typedef {{ status: number, body: any, tookMs: number }} Answer */
/** @typedef {{ id: string, secret: string, url: string }} Endpoint */

/** What the demo asks of Spillway: nothing that a customer could not ask. */
export class Api {
  tenant = 'demo';

  /** @param {import('./profile.mjs').Profile} profile */
  constructor(profile) {
    this.profile = profile;
  }

  /** @throws {Refusal} that says what to start */
  async mustBeReady() {
    for (const url of [this.profile.ingest, this.profile.console]) {
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).catch(() => undefined);
      if (!answer) throw new Refusal(`Nobody answers at ${url}. Start Spillway first, in another terminal: npm start`);
      if (!answer.ok) throw new Refusal(`${url} is not ready yet: ${await answer.text()}`);
    }
  }

  /** @param {string} method @param {string} url @param {string | object} [body] @returns {Promise<Answer>} */
  async call(method, url, body) {
    const began = performance.now();
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const headers = { authorization: `Bearer ${this.profile.key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const answer = await fetch(url, { method, headers, ...sent, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), tookMs: performance.now() - began };
  }

  /** @param {string} path */
  console(path) {
    return `${this.profile.console}${path}`;
  }

  /** @param {object} settings */
  tryToCreateEndpoint(settings) {
    return this.call('POST', this.console(`/v1/tenants/${this.tenant}/endpoints`), settings);
  }

  /** @param {{ url: string } & Record<string, unknown>} settings @returns {Promise<Endpoint>} */
  async createEndpoint(settings) {
    const { status, body } = await this.tryToCreateEndpoint(settings);
    if (status !== 201) throw new Error(`the console answered ${status} ${body?.code}: ${body?.detail}`);
    return body;
  }

  /** @param {string} id */
  deleteEndpoint(id) {
    return this.call('DELETE', this.console(`/v1/tenants/${this.tenant}/endpoints/${id}`));
  }

  /** `data` as text, so that its bytes are ours. @param {string} type @param {string} data @param {string} [id] @returns {Promise<{ id: string, tookMs: number }>} */
  async send(type, data, id) {
    const event = `{"tenant":"${this.tenant}","type":"${type}"${id === undefined ? '' : `,"id":${JSON.stringify(id)}`},"data":${data}}`;
    const { status, body, tookMs } = await this.call('POST', `${this.profile.ingest}/v1/events`, event);
    if (status !== 202) throw new Error(`ingest answered ${status} ${body?.code}: ${body?.detail}`);
    return { id: body.id, tookMs };
  }

  async status() {
    const { status, body } = await this.call('GET', this.console('/v1/status'));
    if (status !== 200) throw new Error(`the console answered ${status} to /v1/status`);
    return body;
  }

  /** What waits in the calendar, and when it is due. @returns {Promise<{ at: string, count: number }[]>} */
  async calendar() {
    const { status, body } = await this.call('GET', this.console('/v1/retries'));
    if (status !== 200) throw new Error(`the console answered ${status} to /v1/retries`);
    return body.calendar;
  }
}
