import { Resolver } from 'node:dns/promises';
import { setTimeout as after } from 'node:timers/promises';
import { addressesInHostsFile } from './hosts-file.ts';

/** All addresses of a name; none is an error of its own. Rejects with an error whose `code` is one of node:dns. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/** Two questions of 2 s: an attempt has 15 s, and the rest belongs to its receiver. */
const QUESTION_TIMEOUT_MS = 2_000;
const QUESTIONS = 2;

/** How long IPv4 addresses wait for IPv6 ones. RFC 8305, 3 says 50 ms for the other way about; name servers that drop AAAA questions exist. */
const IPV6_PATIENCE_MS = 250;

const noSuchRecord = (error: NodeJS.ErrnoException): string[] => {
  if (error.code === 'ENODATA' || error.code === 'ENOTFOUND') return [];
  throw error;
};

const askBoth = async (resolver: Resolver, hostname: string): Promise<string[]> => {
  const four = resolver.resolve4(hostname).catch(noSuchRecord);
  const six = resolver.resolve6(hostname).catch(noSuchRecord);
  const sixOrNothing = six.catch(() => []); // with an IPv4 address at hand a broken AAAA answer does not matter
  const addresses = await four;
  if (addresses.length === 0) return six;
  const patience = new AbortController();
  const waited = after(IPV6_PATIENCE_MS, [], { signal: patience.signal }).catch(() => []);
  const found = await Promise.race([sixOrNothing, waited]);
  patience.abort();
  return [...addresses, ...found];
};

const newResolver = (servers: readonly string[] | undefined): Resolver => {
  const resolver = new Resolver({ timeout: QUESTION_TIMEOUT_MS, tries: QUESTIONS });
  if (servers !== undefined) resolver.setServers(servers);
  return resolver;
};

/**
 * The machine's hosts file, then its name servers, asked by c-ares and not by getaddrinfo: that one blocks a thread of libuv's four, of which look-ups
 * get two, so two names whose servers never answer would stop every new connection of the process (and its file system calls).
 * No cache of ours: the name server near by keeps one with the right times to live. Who asks while the same question is under way shares its answer.
 */
export class SystemLookup {
  private readonly underWay = new Map<string, Promise<string[]>>();
  private resolver: Resolver | undefined;

  /** Other name servers than the machine's: `address:port`. */
  constructor(private readonly servers?: readonly string[]) {}

  readonly lookup: Lookup = (hostname) => {
    let asked = this.underWay.get(hostname);
    if (asked === undefined) {
      asked = this.ask(hostname).finally(() => this.underWay.delete(hostname));
      this.underWay.set(hostname, asked);
    }
    return asked;
  };

  /** Gives up what is under way: a question may last 6 s, and a process that ends need not wait for it. */
  close(): void {
    this.resolver?.cancel();
  }

  private async ask(hostname: string): Promise<string[]> {
    const pinned = await addressesInHostsFile(hostname);
    if (pinned.length > 0) return pinned;
    const resolver = (this.resolver ??= newResolver(this.servers));
    try {
      return await askBoth(resolver, hostname);
    } catch (error) {
      // the next question reads resolv.conf again: a machine that moved to another network has other name servers
      if (resolver === this.resolver) this.resolver = undefined;
      throw error;
    }
  }
}
