import { BlockList, isIP } from 'node:net';

/** Some networks, and whether an address lies in one of them. */
export type Networks = {
  contain(address: string): boolean;
  /** Reaches further than this machine's loopback. */
  readonly beyondLoopback: boolean;
};

const parseNetwork = (text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } => {
  const [address = '', prefix, ...more] = text.trim().split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (version === 0 || address.includes('%') || more.length > 0 || !(bits <= most)) {
    throw new RangeError(`network "${text}": wanted an address or a CIDR block, like 10.0.0.0/8 or fd00::/8`);
  }
  return { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
};

/** Block lists keep what is given, and never what is not: an unreadable address lies in no network. */
const listed = (list: BlockList, address: string): boolean => {
  const version = isIP(address);
  // with a zone ("fe80::1%eth0") it names another thing on every machine
  if (version === 0 || address.includes('%')) return false;
  return list.check(address, version === 4 ? 'ipv4' : 'ipv6');
};

const blockListOf = (texts: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const { address, bits, family } of texts.map(parseNetwork)) list.addSubnet(address, bits, family);
  return list;
};

const isLoopback = ({ address, bits, family }: ReturnType<typeof parseNetwork>): boolean =>
  family === 'ipv4' ? bits >= 8 && address.startsWith('127.') : bits === 128 && listed(blockListOf(['::1']), address);

/** @throws RangeError naming the one that cannot be read */
export const networksOf = (texts: readonly string[]): Networks => {
  const list = blockListOf(texts);
  return {
    contain: (address) => listed(list, address),
    beyondLoopback: !texts.map(parseNetwork).every(isLoopback),
  };
};
