/** Git URLs: which ones are taken, and credentials taken out of them before anything is stored. */
import { DomainError } from '../../core/errors.ts';

export interface GitUrl {
  /** Without credentials; fit to be shown. */
  url: string;
  /** `user:password` or a token, to be sealed. */
  credential: string | null;
}

const SCP_LIKE = /^([\w.-]+)@([\w.-]+):(?!\/\/)([^\s]+)$/;
const SCHEMES = new Set(['https:', 'ssh:', 'git:', 'git+ssh:']);

/** Throws unsupported-git-url. Addresses are checked again when the URL is fetched; here only its form is. */
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
  if (url.protocol !== 'https:' && url.password === '') return { url: url.href, credential: null }; // ssh://git@host: the user is no secret
  const credential = url.username === '' && url.password === '' ? null : [url.username, url.password].filter((part) => part !== '').map(decodeURIComponent).join(':');
  url.password = '';
  if (url.protocol === 'https:') url.username = '';
  return { url: url.href, credential };
}
