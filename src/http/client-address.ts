/** Whose request is it? X-Forwarded-For counts only as far as the hops are trusted proxies. */
import { BlockList, isIP } from 'node:net';

export type AddressOf = (socketAddress: string | undefined, forwardedFor: string | undefined) => string;

/** @param proxies addresses and CIDR blocks of proxies that are believed */
export function clientAddress(proxies: readonly string[]): AddressOf {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (address: string): boolean => isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return (socketAddress, forwardedFor) => {
    let current = plain(socketAddress ?? '');
    for (const hop of (forwardedFor ?? '').split(',').map((part) => plain(part.trim())).reverse()) {
      if (!isTrusted(current) || isIP(hop) === 0) break;
      current = hop;
    }
    return current;
  };
}

/** `::ffff:127.0.0.1` is 127.0.0.1. */
const plain = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);
