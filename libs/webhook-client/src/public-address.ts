import { isIP } from 'node:net';
import { networksOf } from './networks.ts';

/**
 * IPv4: all that IANA's special-purpose registry does not call globally reachable (RFC 6890 and its updates), multicast, what is reserved, and one
 * address that a cloud keeps to itself in the middle of public space.
 */
const notPublicIPv4 = networksOf([
  '0.0.0.0/8', // "this network"; Linux dials 0.0.0.0 as itself
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT; Alibaba's metadata is 100.100.100.200
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local; metadata of AWS, GCP, Azure, … is 169.254.169.254
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments, two of them anycast to the nearest router; Oracle's metadata is 192.0.0.192
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays, given up (RFC 7526)
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '168.63.129.16/32', // Azure's host
]);

/**
 * IPv6: what is allowed rather than what is refused. Global unicast is 2000::/3 (RFC 4291, 2.4), so loopback, link-local, unique local, multicast,
 * v4-mapped (::ffff:0:0/96), v4-compatible (::7f00:1), NAT64 (64:ff9b::/96, 64:ff9b:1::/48) and ISATAP (::5efe:7f00:1) fall away unnamed: lists of
 * what to refuse forgot some of these.
 */
const globalIPv6 = networksOf(['2000::/3']);

const notPublicIPv6 = networksOf([
  '2001::/23', // protocol assignments: Teredo (2001::/32 carries an IPv4 address), benchmarks, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: carries an IPv4 address
  '3fff::/20', // documentation (RFC 9637)
]);

/** Whether anybody on the Internet may have this address. What cannot be read is not public. */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 4) return !notPublicIPv4.contain(address);
  return globalIPv6.contain(address) && !notPublicIPv6.contain(address);
};
