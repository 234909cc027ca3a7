/** Addresses of hosts as settings name them: single ones and CIDR ranges, IPv4 and IPv6. */
import { BlockList, isIP } from 'node:net';

/** `10.0.0.5`, `10.0.0.0/24`, `fd00::/8`. Names are not taken: who is admitted must not depend on a name server. */
export function isHostRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bitsMax = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bitsMax < 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bitsMax);
}

/**
 * Tells whether an address is in one of the ranges. An IPv4 address mapped to IPv6 is what it maps.
 *
 * @param ranges each {@link isHostRange}
 */
export function hostMatcher(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

const isLoopbackAddress = hostMatcher(['127.0.0.0/8', '::1']);

/** Whether only this machine can reach a listener bound to `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host);
}
