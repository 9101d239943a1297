export { WebhookClient, type WebhookClientOptions, type WebhookRequest } from './webhook-client.ts';
export type { Attempted } from './attempt.ts';
export type { ReceivedResponse } from './received.ts';
export { judgeUrl, urlRules, type JudgedUrl, type UrlRules } from './url-rules.ts';
export type { Target } from './target.ts';
export { checkHeaders } from './header-rules.ts';
export { isPublicAddress } from './public-address.ts';
export { SystemLookup, type Lookup } from './system-lookup.ts';
export { AttemptBroken, ClientClosed, ForbiddenHeader, OutOfSockets, WebhookClientError } from './errors.ts';
