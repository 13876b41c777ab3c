/** How the text of each kind of setting is read. Each throws an Error whose message says what would be right. */
import { normaliseEmail } from './core/email.ts';
import { checkAllowed } from './integrations/addresses.ts';

/** Comma-separated. */
export const list = (text: string): readonly string[] => text.split(',').map((item) => item.trim()).filter((item) => item !== '');

export function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) throw new Error(`must be a whole number from ${low} to ${high}`);
    return value;
  };
}

export function decimal(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < low || value > high) throw new Error(`must be a number from ${low} to ${high}`);
    return value;
  };
}

export function oneOf<T extends string>(...values: T[]): (text: string) => T {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return found;
  };
}

export function matching(pattern: RegExp, what: string): (text: string) => string {
  return (text) => {
    if (!pattern.test(text)) throw new Error(`must be ${what}`);
    return text;
  };
}

export const onOrOff = oneOf('on', 'off');
export const absolutePath = matching(/^\/\S/, 'an absolute path');
export const postgresUrl = matching(/^postgres(ql)?:\/\/\S+$/, 'a postgres:// URL');

export function emailAddress(text: string): string {
  const address = normaliseEmail(text);
  if (address === null) throw new Error('must be an e-mail address in ASCII with a full domain');
  return address;
}

/** The message never repeats the text: it may hold a password. */
export function smtpServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || /\s/.test(text) || !/^smtps?:$/.test(url.protocol) || url.hostname === '' || !/^\/?$/.test(url.pathname) || url.search !== '') throw new Error('must be an smtp:// or smtps:// URL: user, password, host and port alone');
  return text;
}

export function sender(text: string): string {
  const [, name = '', address = ''] = /^(?:([^<>"\p{Cc}]*)<)?([^<>\s]+?)>?$/u.exec(text) ?? [];
  if (!/^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9.-]+$/i.test(address) || (name !== '') !== text.endsWith('>')) throw new Error('must be an e-mail address, or `Name <address>`');
  return text;
}

export function allowedAddresses(text: string): readonly string[] {
  const entries = list(text);
  entries.forEach(checkAllowed);
  return entries;
}

/** Of a mirror; without the slash at its end. */
export function address(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || /\s/.test(text) || url.search !== '' || url.hash !== '') throw new Error('must be an http or https URL without a query');
  return url.href.replace(/\/+$/, '');
}

/** Of a Dependency-Track: with or without its `/api` at the end. The key goes into DT_API_KEY, no password here. */
export function dependencyTrack(text: string): string {
  const url = address(text);
  if (/^https?:\/\/[^/]*@/.test(url)) throw new Error('must be an http or https URL without user and password');
  return url.replace(/\/api(\/v1)?$/, '');
}

export function addressOrOff(text: string): string {
  return text === 'off' ? text : address(text);
}

/** As OpenTelemetry writes them: W3C baggage without properties. The message never repeats the text: it may hold a credential. */
export function headerList(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(list(text).map((item) => {
    const [, name = '', value = ''] = /^([\w!#$%&'*+.^`|~-]+)\s*=\s*([\x21-\x7e]*)$/.exec(item) ?? [];
    if (name === '' || /%(?![0-9a-f]{2})/i.test(value)) throw new Error('must be `name=value`, comma-separated, with percent-encoded values');
    return [name, decodeURIComponent(value)];
  }));
}

export function ecosystemList(text: string): 'auto' | 'all' | readonly string[] {
  if (text === 'auto' || text === 'all') return text;
  const names = list(text);
  const wrong = names.find((name) => !/^[\w][\w .+-]{0,63}$/.test(name));
  if (wrong !== undefined) throw new Error(`must be auto, all, or OSV's names of ecosystems, comma-separated; '${wrong}' is none`);
  return names;
}

export function cronOrOff(text: string): string {
  if (text !== 'off' && !/^[\d*,/-]+( [\d*,/A-Za-z-]+){4}$/.test(text)) throw new Error('must be a cron expression of five fields, or off');
  return text;
}
