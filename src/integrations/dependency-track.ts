/** Dependency-Track's REST API, version 1: an SBOM goes in, is looked at, and findings come out. What comes is held against what the API promises. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { isRecord, textOf } from '../core/values.ts';
import { accepted, call, DependencyTrackError, nonsense, type DependencyTrack } from './dependency-track-call.ts';

/** Of all pages of findings. */
const MAX_FINDINGS_BYTES = 64 * 1024 * 1024;
const MAX_FINDINGS = 100_000;
const PAGE_SIZE = 100;
const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 3_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

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

const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);
