/**
 * Dependency-Track's REST API, version 1: an SBOM goes in, is looked at, and findings come out. The operator names the server, so that it may be on a private network; redirects are
 * not followed, time and size are bounded, and what comes is held against what the API promises.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { cut, errorCode, isRecord } from '../core/values.ts';
import { AddressError, createAddressGuard } from './addresses.ts';
import { requestPinned, type PinnedAnswer } from './pinned-request.ts';

export interface DependencyTrack {
  /** Without a slash and without `/api` at its end. */
  url: string;
  apiKey: string;
  /** When everything must be over. */
  signal: AbortSignal;
}

/** `message` is for users, and holds neither the key nor an address. */
export class DependencyTrackError extends Error {
  /** Would others fare the same? False where it is about this SBOM or project. */
  readonly isGeneral: boolean;
  constructor(message: string, isGeneral: boolean) {
    super(message);
    this.isGeneral = isGeneral;
  }
}

const MAX_ANSWER_BYTES = 1024 * 1024;
/** Of all pages of findings. */
const MAX_FINDINGS_BYTES = 64 * 1024 * 1024;
const MAX_FINDINGS = 100_000;
const PAGE_SIZE = 100;
const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 3_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Answer {
  status: number;
  body: unknown;
  headers: PinnedAnswer['headers'];
  bytes: number;
}

/** Hands over a CycloneDX document; a project of the name and version is made where there is none. Returns the token of the work on it, and the project where that is told. */
export async function uploadBom(server: DependencyTrack, project: { name: string; version: string }, file: string): Promise<{ token: string; projectId: string | null }> {
  const boundary = `sca-portal-${crypto.randomUUID()}`;
  const field = (name: string, value: string): string => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${value}\r\n`;
  const head = Buffer.from(`${field('autoCreate', 'true')}${field('projectName', project.name)}${field('projectVersion', project.version)}\
--${boundary}\r\nContent-Disposition: form-data; name="bom"; filename="bom.cdx.json"\r\nContent-Type: application/json\r\n\r\n`);
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const { size } = await stat(file);
  async function* parts(): AsyncGenerator {
    yield head;
    yield* createReadStream(file);
    yield tail;
  }
  const headers = { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': head.length + size + tail.length };
  const { body } = accepted(await call(server, 'POST', '/api/v1/bom', { headers, payload: Readable.from(parts(), { objectMode: false }) }));
  const { token, projectUuid } = isRecord(body) ? body : {};
  if (!isUuid(token)) throw nonsense();
  return { token, projectId: isUuid(projectUuid) ? projectUuid : null };
}

/** Waits until the SBOM has been read and its components have been looked at. */
export async function untilProcessed(server: DependencyTrack, token: string): Promise<void> {
  let path = '/api/v1/event/token/';
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(LONGEST_POLL_MS, pauseMs * 1.5)) {
    let answer = await call(server, 'GET', `${path}${token}`);
    if (answer.status === 404 && path.includes('event')) {
      path = '/api/v1/bom/token/'; // before 4.11
      answer = await call(server, 'GET', `${path}${token}`);
    }
    const { body } = accepted(answer);
    if (!isRecord(body) || typeof body['processing'] !== 'boolean') throw nonsense();
    if (!body['processing']) return;
    try {
      await wait(pauseMs, undefined, { signal: server.signal });
    } catch {
      throw new DependencyTrackError('Dependency-Track had not looked at the SBOM in time (DT_TIMEOUT_SECONDS).', false);
    }
  }
}

export async function findProjectId(server: DependencyTrack, { name, version }: { name: string; version: string }): Promise<string> {
  const answer = await call(server, 'GET', `/api/v1/project/lookup?${new URLSearchParams({ name, version }).toString()}`);
  if (answer.status === 404) throw new DependencyTrackError('Dependency-Track does not show the project that the SBOM was uploaded to.', false);
  const { body } = accepted(answer);
  if (!isRecord(body) || !isUuid(body['uuid'])) throw nonsense();
  return body['uuid'];
}

/** What one finding says; every text is untrusted. */
export interface ReportedFinding {
  component: { purl: string | null; group: string | null; name: string | null; version: string | null };
  /** Which database it is from: NVD, GITHUB, OSV, ... */
  source: string;
  vulnId: string;
  /** Ids in other databases. */
  aliases: readonly string[];
  title: string | null;
  description: string | null;
  /** CRITICAL ... UNASSIGNED. */
  severity: string;
  vectors: readonly string[];
  /** 0 to 10, by CVSS 4, 3 or 2. */
  score: number | null;
  cwes: readonly number[];
  /** As it was written: a time in words, or milliseconds. */
  published: string | number | null;
  suppressed: boolean;
}

/** All findings of a project, those that are suppressed there included. Throws where it cannot be sure to have all of them. */
export async function listFindings(server: DependencyTrack, projectId: string): Promise<ReportedFinding[]> {
  const found = new Map<string, ReportedFinding>();
  let bytes = 0;
  let received = 0;
  for (let page = 1; ; page += 1) {
    const answer = accepted(await call(server, 'GET', `/api/v1/finding/project/${projectId}?suppressed=true&pageNumber=${page}&pageSize=${PAGE_SIZE}`, { maxBytes: MAX_FINDINGS_BYTES - bytes }));
    if (!Array.isArray(answer.body)) throw nonsense();
    bytes += answer.bytes;
    const findings: unknown[] = answer.body;
    findings.forEach((one, index) => found.set(isRecord(one) && typeof one['matrix'] === 'string' ? one['matrix'] : `${page}/${index}`, readFinding(one)));
    received += findings.length; // one that two analyzers made comes twice
    if (received > MAX_FINDINGS) throw new DependencyTrackError(`Dependency-Track reports more than ${MAX_FINDINGS} findings.`, false);
    const total = Number(answer.headers['x-total-count'] ?? Number.NaN);
    // releases that know no pages answer with everything, whatever is asked for
    if (received >= total || findings.length > PAGE_SIZE || (Number.isNaN(total) && findings.length < PAGE_SIZE)) return [...found.values()];
    if (findings.length === 0) throw new DependencyTrackError(`Dependency-Track told ${received} of ${total} findings.`, false);
  }
}

function readFinding(value: unknown): ReportedFinding {
  const { component, vulnerability, analysis } = isRecord(value) ? value : {};
  if (!isRecord(component) || !isRecord(vulnerability) || typeof vulnerability['vulnId'] !== 'string') throw nonsense();
  const aliases = Array.isArray(vulnerability['aliases']) ? vulnerability['aliases'].filter(isRecord) : [];
  const cwes = Array.isArray(vulnerability['cwes']) ? vulnerability['cwes'].filter(isRecord).map((cwe) => cwe['cweId']) : [vulnerability['cweId']];
  const published = vulnerability['published'];
  const scores = ['cvssV4BaseScore', 'cvssV4Score', 'cvssV3BaseScore', 'cvssV2BaseScore'].map((name) => vulnerability[name]);
  return {
    component: { purl: textOf(component['purl']), group: textOf(component['group']), name: textOf(component['name']), version: textOf(component['version']) },
    source: textOf(vulnerability['source']) ?? '', vulnId: vulnerability['vulnId'],
    aliases: ['cveId', 'ghsaId', 'osvId', 'snykId', 'sonatypeId', 'gsdId'].flatMap((key) => aliases.flatMap((alias) => textOf(alias[key]) ?? [])),
    title: textOf(vulnerability['title']), description: textOf(vulnerability['description']), severity: textOf(vulnerability['severity']) ?? '',
    vectors: ['cvssV4Vector', 'cvssV3Vector', 'cvssV2Vector'].flatMap((name) => textOf(vulnerability[name]) ?? []),
    score: scores.filter((score) => typeof score === 'number').find((score) => score >= 0 && score <= 10) ?? null,
    cwes: cwes.filter((cwe) => typeof cwe === 'number').filter((cwe) => Number.isSafeInteger(cwe) && cwe > 0),
    published: typeof published === 'string' || typeof published === 'number' ? published : null,
    suppressed: isRecord(analysis) && analysis['isSuppressed'] === true,
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);
const nonsense = (): DependencyTrackError => new DependencyTrackError('What answers at DT_URL does not speak as Dependency-Track does.', true);

interface CallOptions {
  headers?: Record<string, string | number>;
  payload?: Readable;
  maxBytes?: number;
}

async function call(server: DependencyTrack, method: 'GET' | 'POST', path: string, { headers = {}, payload, maxBytes = MAX_ANSWER_BYTES }: CallOptions = {}): Promise<Answer> {
  const url = new URL(`${server.url}${path}`);
  let answer: PinnedAnswer;
  try {
    const addresses = await createAddressGuard([url.hostname.replace(/^\[(.*)\]$/, '$1')]).resolve(url.hostname);
    answer = await requestPinned(url, {
      method, addresses, maxBytes: Math.max(1, maxBytes), signal: server.signal, payload: payload ?? null,
      headers: { Accept: 'application/json', 'User-Agent': 'sca-portal', 'X-Api-Key': server.apiKey, ...headers },
    });
  } catch (error) {
    payload?.destroy();
    if (server.signal.aborted) throw new DependencyTrackError('Dependency-Track did not answer in time (DT_TIMEOUT_SECONDS).', true);
    throw new DependencyTrackError(error instanceof AddressError ? 'The host of DT_URL has no address.' : `Dependency-Track could not be reached (${errorCode(error) || 'the connection broke'}).`, true);
  }
  if (answer.isCut) throw new DependencyTrackError('The answer of Dependency-Track is too large.', false);
  return { status: answer.status, headers: answer.headers, bytes: Buffer.byteLength(answer.text), body: jsonOf(answer) };
}

/** What is no JSON is none of an answer that is no success either. */
function jsonOf({ status, text }: PinnedAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (status >= 200 && status < 300) throw nonsense();
    return text;
  }
}

/** Throws DependencyTrackError for what is no success. */
function accepted(answer: Answer): Answer {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return answer;
  if (status < 400) throw new DependencyTrackError(`Dependency-Track answered with a redirect (${status}), which is not followed: DT_URL must name the place itself.`, true);
  if (status === 401) throw new DependencyTrackError('Dependency-Track does not take the key DT_API_KEY (401), or its team lacks a permission.', true);
  if (status === 403) throw new DependencyTrackError('Dependency-Track refuses access (403): the team of DT_API_KEY lacks a permission, or may not see the project.', true);
  const said = isRecord(body) ? (textOf(body['detail']) ?? textOf(body['title'])) : textOf(body);
  const words = said === null ? '' : ` (${cut(said.replaceAll(/\s+/g, ' '), 200)})`;
  throw new DependencyTrackError(`Dependency-Track answered ${status}${words}.`, status === 404 || status === 429 || status >= 500);
}
