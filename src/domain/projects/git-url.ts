/** Git URLs: which ones are taken, and credentials taken out of them before anything is stored. */
import { DomainError } from '../../core/errors.ts';
import { createAddressGuard } from '../../integrations/addresses.ts';
import type { Config } from '../../config.ts';

export interface GitUrl {
  /** Without credentials; fit to be shown. */
  url: string;
  /** `user:password` or a token, to be sealed. */
  credential: string | null;
}

const SCP_LIKE = /^(\w[\w.-]*)@(\w[\w.-]*):(?!\/\/)([^\s]+)$/;
/** A name, an address, or one of IPv6 in brackets; nothing that ssh takes for an option. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])$/i;
const SCHEMES = new Set(['https:', 'ssh:', 'git:', 'git+ssh:']);

/** Parses, and refuses private addresses that stand in the URL itself. Names are looked up when it is fetched. Throws unsupported-git-url. */
export function acceptGitUrl(config: Config, text: string): GitUrl {
  const parsed = parseGitUrl(text);
  if (createAddressGuard(config.ALLOW_PRIVATE_ADDRESSES).refuses(hostOf(parsed.url))) {
    throw new DomainError('unsupported-git-url', 'git_url leads to an address of a private or local network, which is not allowed. An operator can allow it by ALLOW_PRIVATE_ADDRESSES.', { errors: [{ pointer: '/git_url', message: 'leads to a private address' }] });
  }
  return parsed;
}

function hostOf(url: string): string {
  return SCP_LIKE.exec(url)?.[2] ?? new URL(url).hostname;
}

/** Do two URLs lead to the same server by the same way? A credential is for one of them only. */
export function isSameOrigin(one: string, two: string): boolean {
  const origin = (url: string): string => {
    const scp = SCP_LIKE.exec(url);
    if (scp !== null) return `ssh://${(scp[2] ?? '').toLowerCase()}:22`;
    const { protocol, hostname, port } = new URL(url);
    const scheme = protocol.replace('git+', '');
    return `${scheme}//${hostname.toLowerCase()}:${port === '' && scheme === 'ssh:' ? '22' : port}`;
  };
  return origin(one) === origin(two);
}

/** Throws unsupported-git-url. Only the form is looked at. */
export function parseGitUrl(text: string): GitUrl {
  const refuse = (why: string): DomainError =>
    new DomainError('unsupported-git-url', `git_url ${why}. Use https://host/path, ssh://host/path, git@host:path or git://host/path.`, { errors: [{ pointer: '/git_url', message: why }] });
  const trimmed = text.trim();
  if (trimmed.startsWith('-') || /[\s\u0000-\u001f]/.test(trimmed)) throw refuse('holds white space or starts with a dash');
  if (SCP_LIKE.test(trimmed)) return { url: trimmed, credential: null };
  let url: URL;
  try {
    url = new URL(trimmed);
  } catch {
    throw refuse('is not a URL');
  }
  if (!SCHEMES.has(url.protocol)) throw refuse(`has the scheme '${url.protocol.slice(0, -1)}', which is not fetched`);
  if (url.hostname === '') throw refuse('has no host');
  if (!HOST.test(url.hostname)) throw refuse('has a host that is no name or address');
  if (url.protocol !== 'https:' && url.password === '') return { url: url.href, credential: null }; // ssh://git@host: the user is no secret
  const credential = url.username === '' && url.password === '' ? null : [url.username, url.password].filter((part) => part !== '').map(decodeURIComponent).join(':');
  url.password = '';
  if (url.protocol === 'https:') url.username = '';
  return { url: url.href, credential };
}
