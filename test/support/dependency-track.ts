/** A Dependency-Track on loopback: the part of its REST API (version 1) that the portal uses, strict about what it is asked, by schemas written by hand after its contract. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import busboy from 'busboy';
import { isRecord } from '../../src/core/values.ts';
import { startServer } from './identity-provider.ts';
import { faultsOfJson } from './official-schemas.ts';

const ajv = new Ajv2020({ strict: true, allErrors: true });
formats.default(ajv);
const printable = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\P{Cc}]+$' };
const REQUESTS: Readonly<Record<string, ValidateFunction>> = {
  bom: ajv.compile({
    type: 'object', additionalProperties: false, required: ['autoCreate', 'projectName', 'projectVersion', 'bom'],
    properties: { autoCreate: { const: 'true' }, projectName: printable, projectVersion: printable, bom: { type: 'string', minLength: 2 } },
  }),
  lookup: ajv.compile({ type: 'object', additionalProperties: false, required: ['name', 'version'], properties: { name: printable, version: printable } }),
  findings: ajv.compile({
    type: 'object', additionalProperties: false, required: ['suppressed', 'pageNumber', 'pageSize'],
    properties: { suppressed: { const: 'true' }, pageNumber: { type: 'string', pattern: '^[1-9]\\d*$' }, pageSize: { type: 'string', pattern: '^[1-9]\\d{0,2}$' } },
  }),
  nothing: ajv.compile({ type: 'object', additionalProperties: false }),
};

export interface TestFinding {
  purl: string;
  id: string;
  aliases?: Record<string, string>[];
  severity?: string;
  score?: number;
  suppressed?: boolean;
}

/** In place of the right answer; true where it has answered, or lets the portal wait. */
export type Misbehaviour = (path: string, response: ServerResponse) => boolean;

export interface TestDependencyTrack {
  url: string;
  key: string;
  uploads: { project: string; version: string; components: string[] }[];
  /** Of all projects, on whatever components they have. */
  findings: TestFinding[];
  /** Tokens are processed for so many polls. */
  polls: number;
  /** Pages are known: otherwise all findings come at once. */
  paged: boolean;
  /** An older release: the token is asked for beside the SBOM. */
  old: boolean;
  misbehave: Misbehaviour | null;
  /** What was asked, `METHOD path`. */
  asked: string[];
  /** What the contract does not allow. */
  faults: string[];
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

export async function startDependencyTrack(): Promise<TestDependencyTrack> {
  const projects = new Map<string, { id: string; purls: string[] }>();
  const tokens = new Map<string, number>();
  const state: TestDependencyTrack = { url: '', key: 'odt_a-key-of-the-tests', uploads: [], findings: [], polls: 1, paged: true, old: false, misbehave: null, asked: [], faults: [] };
  const { url } = await startServer((request, response) => {
    const at = new URL(request.url ?? '', 'http://x');
    const path = at.pathname;
    state.asked.push(`${request.method ?? ''} ${path}`);
    const answer = (status: number, body: unknown, headers: Record<string, string> = {}): void => void response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
    const valid = (name: string, value: unknown): boolean => {
      const check = REQUESTS[name];
      if (check === undefined || check(value)) return true;
      state.faults.push(`${path}: ${ajv.errorsText(check.errors)}`);
      answer(400, { title: 'not valid' });
      return false;
    };
    const query = Object.fromEntries(at.searchParams);
    if (state.misbehave?.(path, response) === true) return;
    if (request.headers['x-api-key'] !== state.key) return void response.writeHead(401).end();
    if (request.method === 'POST' && path === '/api/v1/bom') return void readForm(request).then((form) => upload(form, valid, answer), (error: unknown) => void state.faults.push(String(error)));
    if (request.method !== 'GET') return answer(405, {});
    const [, token] = new RegExp(`^/api/v1/${state.old ? 'bom' : '(?:event|bom)'}/token/(${UUID})$`).exec(path) ?? [];
    if (token !== undefined && valid('nothing', query)) {
      const left = tokens.get(token) ?? 0;
      tokens.set(token, left - 1);
      return answer(200, { processing: left > 0 });
    }
    if (path === '/api/v1/project/lookup' && valid('lookup', query)) {
      const { name = '', version = '' } = query;
      const project = projects.get(JSON.stringify([name, version]));
      return project === undefined ? void response.writeHead(404, { 'Content-Type': 'text/plain' }).end('The project could not be found.') : answer(200, { uuid: project.id, name, version, active: true });
    }
    const [, id] = new RegExp(`^/api/v1/finding/project/(${UUID})$`).exec(path) ?? [];
    const project = [...projects.values()].find((one) => one.id === id);
    if (project !== undefined && valid('findings', query)) {
      const all = state.findings.filter(({ purl }) => project.purls.includes(purl)).map((finding) => written(project.id, finding));
      const [page, size] = [Number(query['pageNumber']), Number(query['pageSize'])];
      return answer(200, state.paged ? all.slice((page - 1) * size, page * size) : all, { 'X-Total-Count': String(all.length) });
    }
    if (!response.headersSent) answer(404, {});
  });

  function upload(form: Record<string, string>, valid: (name: string, value: unknown) => boolean, answer: (status: number, body: unknown) => void): void {
    if (!valid('bom', form)) return;
    const { projectName: project = '', projectVersion: version = '', bom = '' } = form;
    const document: unknown = JSON.parse(bom);
    state.faults.push(...faultsOfJson(document));
    const listed: unknown[] = isRecord(document) && Array.isArray(document['components']) ? document['components'] : [];
    const purls = listed.filter(isRecord).map((one) => String(one['purl']));
    state.uploads.push({ project, version, components: purls });
    const key = JSON.stringify([project, version]);
    projects.set(key, { id: projects.get(key)?.id ?? crypto.randomUUID(), purls });
    const token = crypto.randomUUID();
    tokens.set(token, state.polls);
    answer(200, { token });
  }
  return Object.assign(state, { url });
}

function written(project: string, { purl, id, aliases = [], severity = 'HIGH', score, suppressed = false }: TestFinding): object {
  const [, name = '', version = ''] = /([^/@]+)@([^?]+)/.exec(purl) ?? [];
  return {
    component: { uuid: crypto.randomUUID(), name, version, purl, project },
    vulnerability: {
      uuid: crypto.randomUUID(), source: id.startsWith('GHSA') ? 'GITHUB' : 'NVD', vulnId: id, title: `What ${id} is about`, description: `All of ${id}.`, severity, severityRank: 1,
      ...(score === undefined ? {} : { cvssV3BaseScore: score }), cwes: [{ cweId: 79, name: 'XSS' }], aliases, published: 1704067200000,
    },
    analysis: { isSuppressed: suppressed, ...(suppressed ? { state: 'FALSE_POSITIVE' } : {}) },
    attribution: { analyzerIdentity: 'INTERNAL_ANALYZER', attributedOn: 1704067200000 },
    matrix: `${project}:${purl}:${id}`,
  };
}

function readForm(request: IncomingMessage): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    const form: Record<string, string> = {};
    const parser = busboy({ headers: request.headers, limits: { fieldSize: 1 << 20 } });
    parser.on('field', (name, value) => { form[name] = value; });
    parser.on('file', (name, stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => { form[name] = Buffer.concat(chunks).toString('utf8'); });
    });
    parser.on('close', () => resolve(form)).on('error', reject);
    request.pipe(parser);
  });
}
