/** Settings. The only reader of the environment; every wrong variable is named at once; the README's table comes from here. */
import path from 'node:path';
import { IDENTITY_SETTINGS, readIdentityProviders, type IdentityProviderSettings } from './config-identity.ts';
import {
  absolutePath, address, addressOrOff, allowedAddresses, cronOrOff, decimal, dependencyTrack, ecosystemList, emailAddress, headerList, integer, list, matching, oneOf, onOrOff, postgresUrl,
  sender, smtpServer,
} from './config-values.ts';
import { messageOf } from './core/values.ts';

export { BUILT_IN_PROVIDERS, type GithubSettings, type IdentityProviderSettings, type OidcSettings } from './config-identity.ts';

export type Role = 'api' | 'worker' | 'both';

interface Setting<T> {
  /** Text of the default as the README shows it. */
  shown: string;
  fallback: T;
  help: string;
  /** Throws an Error whose message says what would be right. */
  read: (text: string) => T;
}

const MIB = 1024 * 1024;
const OSV_URL = 'https://osv-vulnerabilities.storage.googleapis.com';
const KEV = 'https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json';
const EPSS = 'https://epss.empiricalsecurity.com/epss_scores-current.csv.gz';
/** No access token lives longer, however any process on the database is or was configured. */
export const MAX_ACCESS_TOKEN_TTL_SECONDS = 86_400;
const REDIRECT = /^(\/(?![/\\])|https?:\/\/)[\x21-\x7e]*$/;

const setting = <T>(fallback: T, help: string, read: (text: string) => T, shown = String(fallback)): Setting<T> => ({ shown, fallback, help, read });
/** Null where it is not set. @param shown what that means */
const optional = <T>(shown: string, help: string, read: (text: string) => T): Setting<T | null> => ({ shown, fallback: null, help, read });

const SETTINGS = {
  PORT: setting(8080, 'Port of the HTTP server; 0 takes a free one.', integer(0, 65535)),
  HOST: setting('127.0.0.1', 'Address to listen on; 0.0.0.0 for all.', matching(/^[0-9a-zA-Z.:-]+$/, 'an address or host name')),
  DATA_DIR: setting('.data', 'Folder of the embedded database, the installation\'s secret and temporary files.', matching(/\S/, 'a folder')),
  DATABASE_URL: optional('embedded', 'PostgreSQL 15 or newer, `postgres://user:password@host/database`. Without it an embedded server runs in DATA_DIR.', postgresUrl),
  DATABASE_SESSION_URL: optional('DATABASE_URL', 'The same database past a pooler in transaction mode: for migrations, LISTEN and the job queue, which need connections of their own.', postgresUrl),
  DATABASE_POOL_SIZE: setting(10, 'Connections that each process may open.', integer(2, 200)),
  DATABASE_PREPARE: setting('on', 'Named prepared statements; `off` behind a pooler that does not carry them.', onOrOff),
  ROLE: setting('both', '`api` serves requests, `worker` runs jobs, `both` does both (the worker as a child process).', oneOf<Role>('api', 'worker', 'both')),
  BASE_URL: optional('http://localhost:PORT', 'Address under which browsers and clients reach the portal; https makes cookies Secure.', matching(/^https?:\/\/[^\s/]+(\/\S*)?$/, 'an http or https URL')),
  ADMIN_EMAIL: optional('admin@localhost.localdomain', 'Address of the first super admin, made when there is none.', emailAddress),
  ADMIN_PASSWORD: optional('random, printed once', 'Password of the first super admin, 12 to 256 characters.', matching(/^[\s\S]{12,256}$/, '12 to 256 characters long')),
  SECRET_KEY: optional('DATA_DIR/secret.key', 'Master key, at least 32 characters, that seals signing keys and stored credentials. Must be the same for all processes on one database.', matching(/^\S{32,}$/, 'at least 32 characters without spaces')),
  SELF_REGISTRATION: setting('on', 'Whether people may make accounts by themselves; `off` answers 404.', onOrOff),
  PASSWORD_RESET_RATE_LIMIT: setting(5, 'Requests for a password reset that one client address may send in a minute.', integer(1, 10000)),
  PASSWORD_RESET_COOLDOWN_SECONDS: setting(300, 'Time between two reset mails to one address.', integer(1, 86400)),
  SMTP_URL: optional('none: no mail', 'Mail server, `smtp://user:password@host:587` (STARTTLS, which is demanded where there is a password and the host is not this machine) or `smtps://...:465`.', smtpServer),
  MAIL_FROM: optional('SCA Portal <no-reply@ the host of BASE_URL>', 'Sender of mails, an address or `Name <address>`.', sender),
  LOG_LEVEL: setting('info', 'How much is logged (JSON lines on standard output).', oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')),
  METRICS_TOKEN: optional('none: no metrics', 'Bearer token, 16 characters or more, with which Prometheus asks `GET /metrics`; without it that is 404.', matching(/^[\x21-\x7e]{16,256}$/, '16 to 256 printable ASCII characters without spaces')),
  METRICS_PORT: optional('none', 'Port on which worker processes, which serve nothing else, answer `/metrics`, `/health` and `/health/ready`; 0 takes a free one.', integer(0, 65535)),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional('none: no traces', 'OpenTelemetry collector that traces are sent to (OTLP over HTTP with JSON, `http://collector:4318`); `/v1/traces` is put behind it.', address),
  OTEL_EXPORTER_OTLP_HEADERS: setting({}, 'Headers for it, `name=value`, comma-separated, values percent-encoded.', headerList, 'none'),
  OTEL_SERVICE_NAME: setting('sca-portal', 'Name of the service in traces.', matching(/^[\x21-\x7e]{1,100}$/, 'up to 100 printable ASCII characters without spaces')),
  OTEL_TRACES_SAMPLER_ARG: setting(1, 'Share of the traces that begin here which are sent, 0 to 1; a `traceparent` that comes with a request decides for itself.', decimal(0, 1)),
  CORS_ORIGINS: setting([], 'Origins, comma-separated, that browsers may call from.', list, 'none'),
  TRUSTED_PROXIES: setting([], 'Addresses or CIDR blocks, comma-separated, whose X-Forwarded-For is believed.', list, 'none'),
  MAX_UPLOAD_BYTES: setting(256 * MIB, 'Largest upload in bytes.', integer(1024, 10 * 1024 * MIB)),
  ACCESS_TOKEN_TTL_SECONDS: setting(1800, 'Life of an access token.', integer(10, MAX_ACCESS_TOKEN_TTL_SECONDS)),
  REFRESH_TOKEN_TTL_SECONDS: setting(604800, 'Life of a session without use.', integer(60, 7776000)),
  SIGNING_KEY_ROTATION_DAYS: setting(30, 'Age at which the key that signs access tokens is replaced.', integer(1, 3650)),
  OAUTH_NEW_ACCOUNTS: setting('on', 'Whether who logs in with an identity provider for the first time gets an account; `off` lets in only who has one.', onOrOff),
  OAUTH_LOGIN_REDIRECT_SUCCESS: setting('/', 'Where browsers go after logging in with an identity provider, unless the request said.', matching(REDIRECT, 'a path, or an http or https URL')),
  OAUTH_LOGIN_REDIRECT_FAILURE: setting('/login', 'The log-in page: where they go, with `?error=`, when that failed.', matching(REDIRECT, 'a path, or an http or https URL')),
  OAUTH_TIMEOUT_SECONDS: setting(10, 'Time that an identity provider gets to answer.', decimal(0.1, 60)),
  WEBSOCKET_AUTH_TIMEOUT_SECONDS: setting(1, 'Time for the first frame of a WebSocket.', decimal(0.1, 60), '1.0'),
  WEBSOCKET_MAX_CONNECTIONS_PER_USER: setting(3, 'Open WebSockets of one user; one more closes the oldest.', integer(1, 1000)),
  WEBSOCKET_MAX_CONNECTIONS_PER_KEY: setting(100, 'Open WebSockets of one API key, which many CI jobs share; one more closes the oldest.', integer(1, 10_000)),
  WEBSOCKET_HEARTBEAT_SECONDS: setting(15, 'Time between two pings; a peer that has not answered by the next one is dropped.', integer(1, 300)),
  SCAN_TIMEOUT_SECONDS: setting(3600, 'Time limit of a scan.', integer(10, 86400)),
  SCAN_CONCURRENCY: setting(2, 'Scans that one worker runs at a time.', integer(1, 64)),
  SCAN_CONCURRENCY_PER_TEAM: setting(2, 'Scans of one team that run at a time, over all workers, so that one team does not keep the others waiting.', integer(1, 10000)),
  SCAN_RETENTION_PER_REF: setting(20, 'Ended scans that are kept of each project and ref, and as many failed ones; the current one always is.', integer(1, 100000)),
  MAX_ACTIVE_SCANS_PER_TEAM: setting(10, 'Queued and running scans of one team; one more is 429.', integer(1, 10000)),
  ALLOW_PRIVATE_ADDRESSES: setting([], 'CIDR blocks, addresses or host names, comma-separated, that the portal may connect to though they are private: git servers, image registries, webhooks, mail.', allowedAddresses, 'none'),
  GIT_TIMEOUT_SECONDS: setting(600, 'Time limit of fetching a repository.', integer(1, 86400)),
  GIT_MAX_BYTES: setting(1024 * MIB, 'Largest repository that is fetched, in bytes as git packs it, without history.', integer(1024 * 1024, 1024 * 1024 * MIB)),
  GIT_CA_FILE: optional("the machine's", 'PEM file with the certificate authorities that git trusts for https.', absolutePath),
  GIT_KNOWN_HOSTS_FILE: optional('DATA_DIR/git/known_hosts', 'Known hosts for ssh, kept by you: other hosts are refused. Without it a host is trusted when it is first seen, and its key must stay the same.', absolutePath),
  TRIVY_PATH: optional('the first on PATH', 'The program trivy, which scans of container images need.', absolutePath),
  IMAGE_TIMEOUT_SECONDS: setting(900, 'Time limit of reading a container image.', integer(1, 86400)),
  IMAGE_MAX_BYTES: setting(4096 * MIB, 'Largest container image that is read, in bytes as its registry sends it.', integer(1024 * 1024, 1024 * 1024 * MIB)),
  IMAGE_CA_FILE: optional("the machine's", 'PEM file with the certificate authorities that are trusted for image registries.', absolutePath),
  VULNDB_SYNC: setting('on', 'Whether workers keep vulnerability data current from VULNDB_URL, KEV_URL and EPSS_URL; `off` where you import it by hand.', onOrOff),
  VULNDB_URL: setting(OSV_URL, 'OSV\'s exports, or a mirror with the same layout: `<ecosystem>/all.zip`, `<ecosystem>/modified_id.csv`, `<ecosystem>/<id>.json`, `ecosystems.txt`. User and password may be in it.', address),
  VULNDB_ECOSYSTEMS: setting('auto', 'Ecosystems to keep, by OSV\'s names, comma-separated (`npm,PyPI,Red Hat`); `auto` takes those of which there are components, `all` takes all.', ecosystemList),
  VULNDB_INTERVAL_HOURS: setting(1, 'Time between two looks at each source; one that failed is tried again sooner at first.', decimal(0.02, 720)),
  KEV_URL: setting(KEV, 'CISA\'s catalogue of exploited vulnerabilities, or a mirror of it; `off` for none.', addressOrOff),
  EPSS_URL: setting(EPSS, 'EPSS scores, or a mirror of them; `off` for none.', addressOrOff),
  DT_URL: optional('none', 'A Dependency-Track (4.12 or newer) that is asked for a second opinion in each scan, with DT_API_KEY. You name it, so that it may be on a private network.', dependencyTrack),
  DT_API_KEY: optional('none', 'Key of a Dependency-Track team that has the permissions BOM_UPLOAD, PROJECT_CREATION_UPLOAD, VIEW_PORTFOLIO and VIEW_VULNERABILITY.', matching(/^[\x21-\x7e]{8,512}$/, '8 to 512 printable ASCII characters')),
  DT_TIMEOUT_SECONDS: setting(60, 'Time that Dependency-Track gets for one scan: to take the SBOM, to look at it, and to tell its findings. The scan goes on without it then.', integer(1, 3600)),
  DISK_WARNING_PERCENT: setting(80, 'Use of the data disk from which `GET /v1/admin/disk` warns.', integer(1, 100)),
  DISK_HARD_LIMIT_PERCENT: setting(95, 'Use of the data disk above which new scans are refused (503).', integer(50, 100)),
  BACKUP_DIR: optional('DATA_DIR/backups', 'Folder of backups. Where processes run on several machines it must be one that all of them share.', matching(/\S/, 'a folder')),
  BACKUP_SCHEDULE: setting('0 0 * * *', 'When backups are made by themselves, a cron expression (UTC); `off` for never.', cronOrOff),
  BACKUP_KEEP_DAYS: setting(7, 'Age at which automatic backups are removed; the newest good one stays.', integer(1, 3650)),
  BACKUP_PASSPHRASE: optional('none: not encrypted', 'Passphrase, at least 16 characters, that backups are encrypted with, in the format of age (age-encryption.org).', matching(/^[\s\S]{16,1024}$/, '16 to 1024 characters long')),
  BACKUP_MAX_BYTES: setting(10_240 * MIB, 'Largest archive that can be uploaded to be restored, in bytes.', integer(1024 * 1024, 1024 * 1024 * MIB)),
  SHUTDOWN_TIMEOUT_SECONDS: setting(10, 'Time that running requests and jobs get at shutdown.', integer(1, 600)),
} as const;

type Values = { readonly [Name in keyof typeof SETTINGS]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never };

export interface Config extends Omit<Values, 'BACKUP_DIR'> {
  /** Absolute. */
  DATA_DIR: string;
  /** Absolute. */
  BACKUP_DIR: string;
  /** Without a slash at its end. Null exactly where DT_API_KEY is. */
  DT_URL: string | null;
  IDENTITY_PROVIDERS: readonly IdentityProviderSettings[];
}

export class ConfigError extends Error {}

/** Reads and checks the settings; throws one ConfigError that names every wrong variable. Empty variables count as unset. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const faults: string[] = [];
  const take = (name: string, { fallback, read }: Setting<unknown>): unknown => {
    const text = environment[name];
    if (text === undefined || text === '') return fallback;
    try {
      return read(text);
    } catch (error) {
      faults.push(`${name} ${messageOf(error)}`);
      return fallback;
    }
  };
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- built from SETTINGS, whose readers have these types
  const values = Object.fromEntries(Object.entries(SETTINGS).map(([name, one]) => [name, take(name, one)])) as unknown as Values;
  const both = ['DT_URL', 'DT_API_KEY'].filter((name) => (environment[name] ?? '') === '');
  if (both.length === 1) faults.push(`${both.join()} must be set too: DT_URL and DT_API_KEY go together`);
  const providers = readIdentityProviders(environment, faults);
  if (values.METRICS_PORT === values.PORT && values.METRICS_PORT !== 0) faults.push('METRICS_PORT must not be PORT');
  if (values.DATABASE_SESSION_URL !== null && values.DATABASE_URL === null) faults.push('DATABASE_SESSION_URL takes a DATABASE_URL beside it');
  if (faults.length > 0) throw new ConfigError(`The settings are wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  const dataDir = path.resolve(values.DATA_DIR);
  return { ...values, DATA_DIR: dataDir, BACKUP_DIR: path.resolve(values.BACKUP_DIR ?? path.join(dataDir, 'backups')), IDENTITY_PROVIDERS: providers };
}

/** The environment as a child process of ours gets it. */
export function inheritedEnvironment(): Record<string, string | undefined> {
  return { ...process.env };
}

/** Address for people and links, without a trailing slash. `port` is the one really listened on. */
export function baseUrl(config: Config, port: number): string {
  return (config.BASE_URL ?? `http://localhost:${port}`).replace(/\/+$/, '');
}

/** Names of all settings; those of OpenID Connect issuers hold `&lt;NAME&gt;`. */
export const settingNames = (): string[] => [...Object.keys(SETTINGS), ...IDENTITY_SETTINGS.flatMap(({ name }) => name.split(', '))];

/** The README's table, in Markdown. */
export function settingsTable(): string {
  const settings = [...Object.entries(SETTINGS).map(([name, { shown, help }]) => ({ name, shown, help })), ...IDENTITY_SETTINGS];
  const rows = settings.map(({ name, shown, help }) => `| ${name} | ${shown} | ${help} |`);
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}
