import { isLocalhost, isLocalName } from './local-names.ts';
import { networksOf, type Networks } from './networks.ts';
import { isAllowedPort } from './port-rules.ts';
import { isPublicAddress } from './public-address.ts';
import { targetOf, type Target } from './target.ts';

/** What a deployment allows beside public https. */
export type UrlRules = { readonly allowed: Networks; readonly allowHttp: boolean };

export type JudgedUrl = { readonly ok: Target } | { readonly refused: string };

/** Longer ones exist, but proxies and servers stop taking them here and there from 2 KiB on. */
const MAX_URL_CHARACTERS = 2_048;
/** RFC 1035, 2.3.4. */
const MAX_NAME_CHARACTERS = 253;

/** What a URL parser skips without a word: such a URL is not what its reader sees. */
const INVISIBLE = /[\p{Cc}\p{Z}]/u;

/** `SPILLWAY_ALLOW_NETWORKS` and `SPILLWAY_ALLOW_HTTP`. @throws RangeError naming the network that cannot be read */
export const urlRules = ({ allowNetworks, allowHttp }: { allowNetworks: readonly string[]; allowHttp: boolean }): UrlRules => ({
  allowed: networksOf(allowNetworks),
  allowHttp,
});

/** The rules for everything outside the allowed networks that do not need an address. */
const refusedOutside = ({ secure, host, port, literal }: Target, { allowHttp }: UrlRules): string | undefined => {
  if (!secure && !allowHttp) return 'http is not allowed: wanted https';
  if (!isAllowedPort(port)) return `port ${port} is not allowed: wanted 80, 443 or one above 1023 that is HTTP’s`;
  if (!literal && isLocalName(host)) return `"${host}" is a local name: wanted a public one`;
  return undefined;
};

/**
 * Why this address may not be dialled for this target; `undefined`: it may. Asked about every address that a name has, before one of them is
 * dialled, and about the other end of each connection, before a byte is written. The answer never tells the address.
 */
export const refusedAddress = (address: string, target: Target, rules: UrlRules): string | undefined => {
  if (target.internal || rules.allowed.contain(address)) return undefined;
  if (!isPublicAddress(address)) return target.literal ? 'the address is not a public one' : `"${target.host}" leads to an address that is not public`;
  return refusedOutside(target, rules);
};

/** `localhost` needs no resolver: it is these, as far as they are allowed. */
export const loopbackOf = ({ allowed }: UrlRules): string[] => ['127.0.0.1', '::1'].filter((address) => allowed.contain(address));

const refusedName = (target: Target, rules: UrlRules): string | undefined => {
  if (target.host === '' || target.host.length > MAX_NAME_CHARACTERS) return 'the host is not a name';
  if (isLocalhost(target.host)) return loopbackOf(rules).length > 0 ? undefined : `"${target.host}" is a local name: wanted a public one`;
  // a name may lead into the allowed networks, where http, any port and local names are right: only its addresses can tell
  return rules.allowed.beyondLoopback ? undefined : refusedOutside(target, rules);
};

const refusedForm = (url: URL): string | undefined => {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `scheme ${url.protocol.slice(0, -1)}: wanted https`;
  if (url.username !== '' || url.password !== '') return 'user and password in a URL are not allowed: wanted a header';
  return undefined;
};

/**
 * What can be said of a URL without asking a name server. Pure. What a name leads to is judged at every attempt.
 * `internal`: an endpoint of our own, exempt from all but the form.
 */
export const judgeUrl = (text: string, rules: UrlRules, internal = false): JudgedUrl => {
  if (text.length > MAX_URL_CHARACTERS) return { refused: `URL of ${text.length} characters: wanted at most ${MAX_URL_CHARACTERS}` };
  const url = URL.parse(text);
  if (url === null || INVISIBLE.test(text)) return { refused: 'not a URL: wanted https://host/path' };
  const form = refusedForm(url);
  if (form !== undefined) return { refused: form };
  const target = targetOf(url, internal);
  if (internal) return { ok: target };
  const refused = target.literal ? refusedAddress(target.host, target, rules) : refusedName(target, rules);
  return refused === undefined ? { ok: target } : { refused };
};
