/** URLs of other services that users set. What they lead to is judged again whenever they are called. */
import { isIP } from 'node:net';
import { DomainError } from '../core/errors.ts';
import { createAddressGuard, isPrivateAddress } from '../integrations/addresses.ts';
import type { Context } from './context.ts';

/** What browsers leave in a path and RFC 3986, which the contract promises, does not have. */
const NO_URI = /["<>\\^`{|}[\]]/;
const BROKEN_PERCENT = /%(?![\da-f]{2})/i;

/** Plain http only to an address within a network that an operator has allowed. Throws validation-failed. @param pointer of the URL in the body */
export function acceptOutsideUrl({ config }: Pick<Context, 'config'>, text: string, pointer: string, takes: { query: boolean }): URL {
  const refuse = (message: string): DomainError => new DomainError('validation-failed', `${pointer.slice(1)} ${message}.`, { errors: [{ pointer, message }] });
  if (!URL.canParse(text)) throw refuse('is not a URL');
  const url = new URL(text);
  if (NO_URI.test(url.pathname) || BROKEN_PERCENT.test(url.href)) throw refuse('is not a URL: percent-encode what is no letter or digit');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (createAddressGuard(config.ALLOW_PRIVATE_ADDRESSES).refuses(host)) throw refuse('leads to a private address; an operator can allow it by ALLOW_PRIVATE_ADDRESSES');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isIP(host) !== 0 && isPrivateAddress(host))) throw refuse('must begin with https://');
  if (url.username !== '' || url.password !== '') throw refuse('takes no user and password');
  if (url.hash !== '' || (url.search !== '' && !takes.query)) throw refuse(takes.query ? 'takes no fragment' : 'takes no query or fragment');
  return url;
}
