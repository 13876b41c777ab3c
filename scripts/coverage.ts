/**
 * Which declared answers did the contract tests see? Every status of every operation must have been answered in the run, or be named,
 * with its reason, in test/contract/unseen.json; an entry there that was seen after all is a fault too, so that the list only shrinks.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../src/core/values.ts';

const CONTRACT = fileURLToPath(new URL('../generated/openapi.json', import.meta.url));
const ALLOWED = fileURLToPath(new URL('../test/contract/unseen.json', import.meta.url));
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

export interface Coverage {
  declared: number;
  seen: number;
  faults: string[];
}

/** @param file lines `operationId status`, as the contract client writes them */
export async function judgeCoverage(file: string): Promise<Coverage> {
  const declared = declaredAnswers(JSON.parse(await readFile(CONTRACT, 'utf8')));
  const seen = new Set((await readFile(file, 'utf8')).split('\n'));
  const allowed = allowedUnseen(JSON.parse(await readFile(ALLOWED, 'utf8')));
  const unseen = declared.filter((answer) => !seen.has(answer));
  return {
    declared: declared.length,
    seen: declared.length - unseen.length,
    faults: [
      ...unseen.filter((answer) => !allowed.has(answer)).map((answer) => `declared, but answered by no test: ${answer}`),
      ...[...allowed].filter((answer) => seen.has(answer)).map((answer) => `named in unseen.json, but seen: ${answer}`),
      ...[...allowed].filter((answer) => !declared.includes(answer)).map((answer) => `named in unseen.json, but not declared: ${answer}`),
    ],
  };
}

function declaredAnswers(document: unknown): string[] {
  const paths = isRecord(document) && isRecord(document['paths']) ? Object.values(document['paths']) : [];
  const operations = paths.filter(isRecord).flatMap((path) => METHODS.flatMap((method) => (isRecord(path[method]) ? [path[method]] : [])));
  return operations.flatMap((operation) => {
    const statuses = isRecord(operation['responses']) ? Object.keys(operation['responses']) : [];
    return statuses.map((status) => `${String(operation['operationId'])} ${status}`);
  });
}

/** `{"reason": {"operationId": [status, ...]}}` -> `operationId status`. */
function allowedUnseen(list: unknown): Set<string> {
  const groups = isRecord(list) ? Object.values(list).filter(isRecord) : [];
  return new Set(groups.flatMap((group) => Object.entries(group).flatMap(([operationId, statuses]) => (Array.isArray(statuses) ? statuses.map((status) => `${operationId} ${String(status)}`) : []))));
}
