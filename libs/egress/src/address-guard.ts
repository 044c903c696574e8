import { BlockList, isIP } from 'node:net';

/**
 * Special-purpose ranges that outbound calls may not reach unless allowed by name:
 * the IANA special-purpose address registries (RFC 6890), and forms that embed IPv4 addresses.
 */
const SPECIAL_PURPOSE = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];

/** Loopback, for gateways that themselves serve on loopback only. */
export const LOOPBACK = ['127.0.0.0/8', '::1/128'];

const family = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network, prefix] = range.split('/') as [string, string];
    list.addSubnet(network, Number(prefix), family(network));
  }
  return list;
}

/** Decides which addresses outbound connections may reach. */
export class AddressGuard {
  readonly #special = blockList(SPECIAL_PURPOSE);
  #allowed: BlockList;

  /** @param allowed CIDR ranges that may be reached although they are special-purpose */
  constructor(allowed: readonly string[]) {
    this.#allowed = blockList(allowed);
  }

  /** Replaces the allowed ranges; connections that stand are not cut. */
  setAllowed(allowed: readonly string[]): void {
    this.#allowed = blockList(allowed);
  }

  /** @param address an IPv4 or IPv6 address in text form; IPv4-mapped IPv6 is judged as IPv4 */
  permits(address: string): boolean {
    const kind = family(address);
    return !this.#special.check(address, kind) || this.#allowed.check(address, kind);
  }
}
