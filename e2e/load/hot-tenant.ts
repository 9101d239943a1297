import { TalkingProcess } from './talking-process.ts';

export type HotTenantOptions = { url: string; key: string; tenant: string; dataBytes: number; requests: number; /** Begun a second, if its connections keep up. */ perSecond: number; connections: number };

/** `answers`: how often each status, or error code of a connection, was the answer. `missing`: accepted and never received; `strange`: received and never accepted. */
export type HotTenantBooks = { answers: Record<string, number>; withoutRetryAfter: number; accepted: number; missing: number; strange: number };

/** A producer that knows no measure, with a receiver of its own, as a process of its own. */
export class HotTenant {
  private readonly process: TalkingProcess;

  constructor(options: HotTenantOptions) {
    this.process = new TalkingProcess('the hot tenant', 'hot-tenant.mjs', options);
  }

  /** Where its receiver listens. */
  async receiver(): Promise<string> {
    return (await this.process.next<{ receiver: string }>()).receiver;
  }

  /** Sends it all. */
  async sendAll(): Promise<void> {
    this.process.tell('go');
    await this.process.next();
  }

  /** Once everything of it that was accepted has arrived. */
  async books(): Promise<HotTenantBooks> {
    const books = await this.process.next<HotTenantBooks>();
    await this.process.end();
    return books;
  }

  kill(): void {
    this.process.kill();
  }
}
