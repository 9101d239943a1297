/** Names that by standard or by habit mean something on this network, and not on the Internet. */
const localSuffixes = [
  'local', // mDNS (RFC 6762); kubernetes' cluster.local
  'internal', // ICANN's own reservation; the metadata names of clouds
  'localdomain',
  'intranet', // this one and the following: RFC 6762, appendix G
  'private',
  'corp',
  'home',
  'lan',
  'home.arpa', // RFC 8375
] as const;

/** RFC 6761, 6.3: always loopback, whatever a name server says. */
export const isLocalhost = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost');

/** A single label is completed by search domains, so it never is somebody else's server. */
export const isLocalName = (name: string): boolean =>
  !name.includes('.') || isLocalhost(name) || localSuffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
