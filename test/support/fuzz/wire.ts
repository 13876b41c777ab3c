/** From a draft to bytes on the wire: `fetch` would mend or refuse much of what is to be tried, so this speaks node:http. */
import { createHmac } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { isRecord } from '../../../src/core/values.ts';
import type { Draft, Part, Twist } from './drafts.ts';
import type { Operation } from './operations.ts';
import { fillIn, type Pools } from './tokens.ts';

export interface Wire {
  method: string;
  /** Path and query, as sent. */
  target: string;
  headers: [name: string, value: string][];
  body: Buffer | null;
}

const BOUNDARY = 'fuzz-boundary';

/** Content of the files that forms send: `{{file:3}}`. */
export type Files = readonly Buffer[];

export function wireOf(operation: Operation, draft: Draft, pools: Pools, files: Files): Wire {
  const twists = <Name extends Twist['at']>(at: Name): Extract<Twist, { at: Name }>[] => draft.twists.flatMap((one) => (isAt(one, at) ? [one] : []));
  const row = Object.values(draft.path).map((value) => fillIn(plain(value), pools)).findLast((id) => pools.has(`version ${id}`)) ?? '';
  const fill = (text: string): string => fillIn(text.replaceAll('{{current}}', pools.get(`version ${row}`)?.[0] ?? '1'), pools);
  const { body, type } = bodyOf(draft, twists, fill, files);
  const headers: [string, string][] = Object.entries(draft.headers).map(([name, value]) => [name, plain(value)]);
  const cookies = Object.entries(draft.cookies).map(([name, value]) => `${name}=${encode(plain(value))}`);
  if (cookies.length > 0) headers.push(['Cookie', cookies.join('; ')]);
  for (const { text } of twists('type')) headers.push(['Content-Type', text]);
  if (type !== null && twists('type').length === 0) headers.push(['Content-Type', type]);
  for (const { name, text } of twists('header')) headers.push([name, text]);
  const secret = pools.get('secret')?.[0];
  const proofs = operation.parameters.flatMap(({ name }): [string, string][] => (secret === undefined || twists('header').length > 0 ? [] : name === 'X-Gitlab-Token' ? [[name, secret]] : name === 'X-Hub-Signature-256' ? [[name, `sha256=${createHmac('sha256', secret).update(body ?? '').digest('hex')}`]] : []));
  const signed = [...headers.filter(([name]) => proofs.every(([proof]) => proof !== name)), ...proofs];
  return {
    method: twists('method')[0]?.name ?? operation.method,
    target: targetOf(operation, draft, twists, fill),
    headers: signed.map(([name, value]) => [name, headerSafe(fill(value))]),
    body,
  };
}

type Twists = <Name extends Twist['at']>(at: Name) => Extract<Twist, { at: Name }>[];
const isAt = <Name extends Twist['at']>(twist: Twist, at: Name): twist is Extract<Twist, { at: Name }> => twist.at === at;

/** Node refuses to send other characters; a parser is met by them in raw sockets (fuzz-sockets). */
const headerSafe = (text: string): string => text.toWellFormed().replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?');
const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

function targetOf(operation: Operation, draft: Draft, twists: Twists, fill: (text: string) => string): string {
  const values: Record<string, string> = Object.fromEntries(Object.entries(draft.path).map(([name, value]) => [name, plain(value)]));
  const names = Object.keys(values);
  for (const { name, text } of twists('path')) values[names[name % Math.max(1, names.length)] ?? ''] = text;
  let path = operation.path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encode(fill(values[name] ?? '')));
  for (const { how } of twists('url')) path = URL_TWISTS[how](path);
  const query = Object.entries(draft.query).flatMap(([name, value]) => [value].flat().map((one) => `${encode(name)}=${encode(fill(plain(one)))}`));
  query.push(...twists('query').map(({ text }) => fill(text).replaceAll(/[^\x21-\x7e]/g, encode)));
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

const URL_TWISTS: Readonly<Record<Extract<Twist, { at: 'url' }>['how'], (path: string) => string>> = {
  slash: (path) => `${path}/`, prefix: (path) => `/api${path}`, double: (path) => `/${path}`, dots: (path) => `/v1/..${path}`, upper: (path) => path.toUpperCase(), percent: (path) => `${path}%`,
  bytes: (path) => `${path}%ff%fe`, semicolon: (path) => `${path};a=b`, fragment: (path) => `${path}#x`,
};

/** Bytes of a text in which U+00FE and two hex digits stand for a byte that is no UTF-8. */
function bytesOf(text: string): Buffer {
  return Buffer.concat(text.split(/(\u00fe[0-9a-f]{2})/).map((piece) => (/^\u00fe[0-9a-f]{2}$/.test(piece) ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece))));
}

function bodyOf(draft: Draft, twists: Twists, fill: (text: string) => string, files: Files): { body: Buffer | null; type: string | null } {
  if (draft.body === null) return { body: null, type: null };
  if ('parts' in draft.body) return { body: formOf(draft.body.parts, twists, fill, files), type: `multipart/form-data; boundary=${BOUNDARY}` };
  let value: unknown = draft.body.json;
  for (const twist of twists('json')) value = twisted(value, twist);
  let text = JSON.stringify(value);
  for (const { how, place, text: piece } of twists('text')) {
    const at = Math.floor((text.length * place) / 100);
    text = how === 'cut' ? text.slice(0, at) : text.slice(0, at) + piece + text.slice(at);
  }
  return { body: bytesOf(fill(text)), type: 'application/json' };
}

/** The value with one of its nodes changed; nodes are counted in the order in which JSON writes them. */
function twisted(value: unknown, { how, node, key, value: hostile }: Extract<Twist, { at: 'json' }>): unknown {
  let left = node % Math.max(1, count(value));
  const visit = (here: unknown): { value: unknown; gone?: boolean } => {
    const isHere = left === 0;
    left -= 1;
    if (isHere) {
      if (how === 'remove') return { value: null, gone: true };
      if (how === 'replace') return { value: hostile };
      if (how === 'wrap') return { value: [here] };
      if (how === 'many') return { value: Array.from({ length: 1001 }, () => (Array.isArray(here) ? first(here) : here)) };
      if (isRecord(here) && !Array.isArray(here)) return { value: Object.fromEntries([...Object.entries(here), [key, hostile]]) };
      return { value: Object.fromEntries([[key, here]]) };
    }
    if (Array.isArray(here)) return { value: here.flatMap((item) => kept(visit(item))) };
    if (isRecord(here)) return { value: Object.fromEntries(Object.entries(here).flatMap(([name, item]) => kept(visit(item)).map((one) => [name, one]))) };
    return { value: here };
  };
  return visit(value).value;
}
const first = (list: readonly unknown[]): unknown => list[0] ?? null;
const kept = ({ value, gone }: { value: unknown; gone?: boolean }): unknown[] => (gone === true ? [] : [value]);
const count = (value: unknown): number => 1 + (isRecord(value) ? Object.values(value).reduce<number>((sum, item) => sum + count(item), 0) : 0);

function formOf(given: readonly Part[], twists: Twists, fill: (text: string) => string, files: Files): Buffer {
  let parts = [...given];
  for (const { how, which, text } of twists('part')) {
    const part = parts[which % Math.max(1, parts.length)] ?? { name: 'x', fileName: null, text };
    if (how === 'twice' || how === 'add') parts.push(how === 'twice' ? part : { name: text, fileName: null, text });
    else parts = parts.flatMap((one) => (one !== part ? [one] : how === 'drop' ? [] : how === 'rename' ? [{ ...one, name: text }] : [{ ...one, fileName: how === 'asFile' ? text : null }]));
  }
  const form = twists('form')[0]?.how;
  const line = form === 'bareLf' ? '\n' : '\r\n';
  const content = (text: string): Buffer => files[Number(/^\{\{file:(\d+)\}\}$/.exec(text)?.[1] ?? -1)] ?? bytesOf(fill(text));
  const head = ({ name, fileName }: Part): string => (form === 'noHeaders' ? line : `Content-Disposition: form-data; name="${fill(name).replaceAll('"', '%22')}"${fileName === null ? '' : `; filename="${fill(fileName)}"${line}Content-Type: application/octet-stream`}${line}${line}`);
  const boundary = form === 'otherBoundary' ? 'another' : BOUNDARY;
  const pieces = parts.flatMap((part) => [Buffer.from(`--${boundary}${line}${head(part)}`), content(part.text), Buffer.from(line)]);
  return form === 'empty' ? Buffer.alloc(0) : Buffer.concat([...pieces, Buffer.from(form === 'unended' ? `--${boundary}` : `--${boundary}--${line}`)]);
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  ms: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const PATIENCE_MS = 20_000;

/** Sends, and reads the whole answer. */
export function send(baseUrl: string, { method, target, headers, body }: Wire, token: string | null): Promise<Reply> {
  const { hostname, port } = new URL(baseUrl);
  const all: Record<string, string | string[]> = {};
  const lengthGiven = headers.some(([name]) => name === 'Content-Length');
  if (body !== null && !lengthGiven) all['Content-Length'] = [String(body.length)];
  if (token !== null && !headers.some(([name]) => name === 'Authorization')) all['Authorization'] = [`Bearer ${token}`];
  for (const [name, value] of headers) all[name] = name === 'Host' ? value : [all[name] ?? []].flat().concat(value);
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path: target, agent, headers: all, setHost: !('Host' in all), timeout: PATIENCE_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const names = Object.entries(response.headers).map(([name, value]): [string, string] => [name, [value ?? ''].flat().join(', ')]);
        resolve({ status: response.statusCode ?? 0, headers: new Headers(names), text: Buffer.concat(chunks).toString('utf8'), ms: performance.now() - begin });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
    request.on('error', reject);
    if (body !== null) request.write(body);
    request.end();
  });
}

export const closeConnections = (): void => agent.destroy();
