import type { UrlRules } from '@spillway/webhook-client';

/** What this deployment permits, read from its configuration once. */
export class ConsoleRules {
  constructor(readonly urls: UrlRules) {}
}
