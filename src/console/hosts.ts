import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Whether only this machine can reach a listener bound to `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(host);
}

/** Whether a listener bound to `host` is reached on every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/**
 * Whether a Host header names us rather than somebody else's name that was made to resolve to us (DNS
 * rebinding): an address, localhost, the machine's name, the bound name, or one of `names`. The port is not
 * looked at: it may have been mapped.
 */
export function isOwnHost(
  header: string | undefined,
  own: { host: string; names: readonly string[] },
): boolean {
  if (header === undefined) return false;
  const name = header.toLowerCase().replace(/:\d+$/, '');
  if (isIP(name.replace(/^\[(.*)\]$/, '$1'))) return true;
  return ['localhost', hostname(), own.host, ...own.names].some((known) => known.toLowerCase() === name);
}
