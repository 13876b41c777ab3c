/**
 * Where the portal may connect to on behalf of its users: git, webhooks out, mail. A host is resolved here, once, every address it has is
 * judged, and the caller connects to the addresses returned and to no others, so that a name which changes its mind later gains nothing.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv4 } from 'node:net';

export interface ResolvedAddress {
  /** Textual, without brackets or zone. */
  address: string;
  family: 4 | 6;
}

/** The host has no address, or one that is not allowed. `message` is for the person who named the host. */
export class AddressError extends Error {
  readonly code: 'refused' | 'unresolved';
  constructor(code: AddressError['code'], message: string) {
    super(message);
    this.name = 'AddressError';
    this.code = code;
  }
}

export interface AddressGuard {
  /** All addresses of a host, each allowed; at least one. Throws AddressError. */
  resolve: (host: string) => Promise<ResolvedAddress[]>;
  /** Is it an address, or a name of this machine, that is not allowed? Needs no DNS; says nothing of other names. */
  refuses: (host: string) => boolean;
}

export type Lookup = (host: string) => Promise<{ address: string; family: number }[]>;

const LOOKUP_TIMEOUT_MS = 10_000;

/** IANA's special-purpose registries, multicast, and the one metadata service that lives on a public address (Azure's). */
const PRIVATE_V4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '168.63.129.16/32', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
];
/** Of IPv6 only 2000::/3 is the public internet; these parts of it are not. 2001::/23 has Teredo and ORCHID. */
const PRIVATE_V6 = ['2001::/23', '2001:db8::/32', '3fff::/20'];
const PUBLIC_V6 = ['2000::/3'];

const privateV4 = blocks(PRIVATE_V4);
const privateV6 = blocks(PRIVATE_V6);
const publicV6 = blocks(PUBLIC_V6);

/** Reads an entry of ALLOW_PRIVATE_ADDRESSES; throws an Error that says what would be right. */
export function checkAllowed(entry: string): void {
  if (isHostName(entry)) return;
  try {
    blocks([entry]);
  } catch {
    throw new Error(`must list CIDR blocks, addresses or host names; '${entry}' is none`);
  }
}

const isHostName = (text: string): boolean => /^(?=.*[a-z])[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) && isIP(text) === 0;

function blocks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', length, more] = cidr.split('/');
    const family = isIP(address);
    if (family === 0 || more !== undefined || (length !== undefined && !/^\d{1,3}$/.test(length))) throw new Error(`'${cidr}' is not a CIDR block`);
    list.addSubnet(address, length === undefined ? (family === 4 ? 32 : 128) : Number(length), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** @param allowed ALLOW_PRIVATE_ADDRESSES: CIDR blocks, addresses and host names that may be reached though they are private */
export function createAddressGuard(allowed: readonly string[], look: Lookup = (host) => lookup(host, { all: true, order: 'verbatim' })): AddressGuard {
  const names = new Set(allowed.filter(isHostName).map((name) => name.toLowerCase()));
  const list = blocks(allowed.filter((entry) => !isHostName(entry)));
  const judge = (text: string): boolean => {
    const address = text.replace(/%.*$/, '');
    const inner = isIPv4(address) ? null : embeddedV4(address);
    const isAllowed = list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') || (inner !== null && list.check(inner, 'ipv4'));
    return isAllowed || !isPrivateAddress(address);
  };
  return {
    refuses: (host) => {
      const name = plainHost(host);
      if (names.has(name)) return false;
      return isIP(name) === 0 ? /^(?:.*\.)?localhost$/.test(name) && !judge('127.0.0.1') && !judge('::1') : !judge(name);
    },
    resolve: async (host) => {
      const name = plainHost(host);
      const found = isIP(name) === 0 ? await lookUp(look, name) : [{ address: name, family: isIP(name) }];
      const refused = names.has(name) ? undefined : found.find(({ address }) => !judge(address));
      if (refused !== undefined) {
        throw new AddressError('refused', `The host ${name} leads to an address of a private or local network, which is not allowed. An operator can allow it by ALLOW_PRIVATE_ADDRESSES.`);
      }
      return found.map(({ address, family }) => ({ address: address.replace(/%.*$/, ''), family: family === 6 ? 6 : 4 }));
    },
  };
}

/** Lower-case, without the brackets of a URL and the dot of the root. */
const plainHost = (host: string): string => host.toLowerCase().replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');

async function lookUp(look: Lookup, name: string): Promise<{ address: string; family: number }[]> {
  const unresolved = new AddressError('unresolved', `The host ${name} has no address, or the name service does not answer.`);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(unresolved), LOOKUP_TIMEOUT_MS); });
  try {
    const found = await Promise.race([look(name), late]);
    if (found.length === 0) throw unresolved;
    return found;
  } catch {
    throw unresolved;
  } finally {
    clearTimeout(timer);
  }
}

/** Anything but the public internet: private, loopback, link-local, shared, multicast, documentation, reserved; also as IPv6 spells them. */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return privateV4.check(address, 'ipv4');
  const inner = embeddedV4(address);
  if (inner !== null) return privateV4.check(inner, 'ipv4');
  return !publicV6.check(address, 'ipv6') || privateV6.check(address, 'ipv6');
}

/** The IPv4 address that an IPv6 one stands for: v4-mapped ::ffff:0:0/96, NAT64 64:ff9b::/96 (RFC 6052), 6to4 2002::/16 (RFC 3056); else null. */
function embeddedV4(address: string): string | null {
  const words = wordsOf(address);
  const dotted = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
  const [a = 0, b = 0, c = 0, , , f = 0, g = 0, h = 0] = words;
  const middle = words.slice(2, 6).every((word) => word === 0);
  if (words.slice(0, 5).every((word) => word === 0) && f === 0xffff) return dotted(g, h);
  if (a === 0x64 && b === 0xff9b && middle) return dotted(g, h);
  return a === 0x2002 ? dotted(b, c) : null;
}

/** The eight 16 bit words of an IPv6 address. */
function wordsOf(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_whole, ...parts: string[]) => {
    const [p = 0, q = 0, r = 0, s = 0] = parts.slice(0, 4).map(Number);
    return `${(p * 256 + q).toString(16)}:${(r * 256 + s).toString(16)}`;
  });
  const [head = '', tail] = hex.split('::');
  const words = (text: string): number[] => (text === '' ? [] : text.split(':').map((word) => parseInt(word, 16)));
  const [left, right] = [words(head), words(tail ?? '')];
  return tail === undefined ? left : [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}
