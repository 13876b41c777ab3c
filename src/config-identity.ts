/** Settings of identity providers: GitHub, Google, and any number of OpenID Connect issuers under names of their own. */

export interface GithubSettings {
  kind: 'github';
  name: 'github';
  /** Where browsers go, without a trailing slash. */
  url: string;
  /** The REST API, without a trailing slash. */
  apiUrl: string;
  clientId: string;
  clientSecret: string;
}

export interface OidcSettings {
  kind: 'google' | 'oidc';
  /** As in paths: lower-case letters, digits and dashes. */
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
}

export type IdentityProviderSettings = GithubSettings | OidcSettings;

/** Names that are known even where they are not configured. */
export const BUILT_IN_PROVIDERS: readonly string[] = ['github', 'google'];

/** Rows of the README's table. */
export const IDENTITY_SETTINGS: readonly { name: string; shown: string; help: string }[] = [
  { name: 'GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET', shown: 'none', help: 'OAuth app that lets users log in with GitHub; both or neither.' },
  { name: 'GITHUB_URL', shown: 'https://github.com', help: 'Address of a GitHub Enterprise Server.' },
  { name: 'GITHUB_API_URL', shown: 'https://api.github.com', help: 'Its REST API; `GITHUB_URL/api/v3` where only GITHUB_URL is set.' },
  { name: 'GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET', shown: 'none', help: 'OAuth client that lets users log in with Google; both or neither.' },
  { name: 'OIDC_&lt;NAME&gt;_ISSUER', shown: 'none', help: 'OpenID Connect issuer that users may log in with under this name (`OIDC_MY_CORP_ISSUER` is `my-corp` in paths); https, or http on this machine.' },
  { name: 'OIDC_&lt;NAME&gt;_CLIENT_ID, OIDC_&lt;NAME&gt;_CLIENT_SECRET', shown: 'none', help: 'The portal\'s client there.' },
  { name: 'OIDC_&lt;NAME&gt;_ALLOW_HTTP', shown: 'false', help: '`true` allows a plain http issuer elsewhere; only for networks that you trust.' },
];

const GOOGLE_ISSUER = 'https://accounts.google.com';
const OIDC = /^OIDC_([A-Z0-9]+(?:_[A-Z0-9]+)*)_(ISSUER|CLIENT_ID|CLIENT_SECRET|ALLOW_HTTP)$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a named variable; undefined where it is unset, empty, or wrong, and then its fault is told. */
class Reader {
  readonly #environment: Environment;
  readonly #faults: string[];
  constructor(environment: Environment, faults: string[]) {
    this.#environment = environment;
    this.#faults = faults;
  }

  fault(name: string, what: string): undefined {
    this.#faults.push(`${name} ${what}`);
  }

  isSet(name: string): boolean {
    return (this.#environment[name] ?? '') !== '';
  }

  text(name: string, pattern: RegExp, what: string): string | undefined {
    const text = this.#environment[name] ?? '';
    if (text === '') return undefined;
    return pattern.test(text) ? text : this.fault(name, `must be ${what}`);
  }

  url(name: string, allowHttp = false): string | undefined {
    const text = this.text(name, /^https?:\/\/[^\s?#]+$/, 'an https URL without query and fragment');
    if (text === undefined) return undefined;
    if (!URL.canParse(text)) return this.fault(name, 'must be an https URL');
    const { protocol, hostname, username, password } = new URL(text);
    if (username !== '' || password !== '') return this.fault(name, 'must not hold a user name or password');
    if (protocol === 'http:' && !allowHttp && !LOOPBACK.test(hostname)) {
      return this.fault(name, `must be https: tokens would cross the network in the clear${name.startsWith('OIDC_') ? `; ${name.replace(/_ISSUER$/, '_ALLOW_HTTP')}=true allows it` : ''}`);
    }
    return text;
  }

  /** Client id and secret of a prefix; a half of the pair is a fault. */
  client(prefix: string, required: boolean): { clientId: string; clientSecret: string } | undefined {
    const names = [`${prefix}_CLIENT_ID`, `${prefix}_CLIENT_SECRET`] as const;
    if (!required && !names.some((name) => this.isSet(name))) return undefined;
    const [clientId, clientSecret] = names.map((name) => (this.isSet(name) ? this.text(name, /^[\x21-\x7e]{1,1024}$/, 'at most 1024 printable characters without spaces') : this.fault(name, 'is missing')));
    return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret };
  }
}

/** The configured providers; whatever is wrong is added to `faults`, by the name of its variable. */
export function readIdentityProviders(environment: Environment, faults: string[]): IdentityProviderSettings[] {
  const reader = new Reader(environment, faults);
  return [...github(reader), ...google(reader), ...issuers(environment, reader)];
}

function github(reader: Reader): GithubSettings[] {
  const url = reader.url('GITHUB_URL');
  const apiUrl = reader.url('GITHUB_API_URL');
  const client = reader.client('GITHUB', false);
  if (client === undefined) return [];
  const base = trimmed(url ?? 'https://github.com');
  const api = apiUrl ?? (url === undefined ? 'https://api.github.com' : `${base}/api/v3`);
  return [{ kind: 'github', name: 'github', url: base, apiUrl: trimmed(api), ...client }];
}

function google(reader: Reader): OidcSettings[] {
  const client = reader.client('GOOGLE', false);
  return client === undefined ? [] : [{ kind: 'google', name: 'google', issuer: GOOGLE_ISSUER, ...client }];
}

function issuers(environment: Environment, reader: Reader): OidcSettings[] {
  const names = new Set<string>();
  for (const variable of Object.keys(environment).filter((name) => name.startsWith('OIDC_') && reader.isSet(name))) {
    const name = OIDC.exec(variable)?.[1];
    if (name === undefined) reader.fault(variable, 'is not known; an OpenID Connect provider has OIDC_<NAME>_ISSUER, _CLIENT_ID, _CLIENT_SECRET and _ALLOW_HTTP');
    else names.add(name);
  }
  return [...names].sort().flatMap((name) => issuer(name, reader));
}

function issuer(variable: string, reader: Reader): OidcSettings[] {
  const prefix = `OIDC_${variable}`;
  const name = variable.toLowerCase().replaceAll('_', '-');
  if (name.length > 32) reader.fault(`${prefix}_ISSUER`, 'has a name longer than 32 characters');
  if (BUILT_IN_PROVIDERS.includes(name)) reader.fault(`${prefix}_ISSUER`, `has the name of a built-in provider; use ${variable}_CLIENT_ID and ${variable}_CLIENT_SECRET, or another name`);
  const allowHttp = reader.text(`${prefix}_ALLOW_HTTP`, /^(true|false)$/, 'true or false') === 'true';
  const found = reader.isSet(`${prefix}_ISSUER`) ? reader.url(`${prefix}_ISSUER`, allowHttp) : reader.fault(`${prefix}_ISSUER`, 'is missing');
  const client = reader.client(prefix, true);
  return found === undefined || client === undefined ? [] : [{ kind: 'oidc', name, issuer: found, ...client }];
}

const trimmed = (url: string): string => url.replace(/\/+$/, '');
