/** The files of deploy/, read: the image's instructions, compose.yaml, and the manifests of Kubernetes. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { parse, parseAllDocuments } from 'yaml';
import { isRecord } from '../../src/core/values.ts';
import { member } from './contract.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const text = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
export const record = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const strings = (value: unknown): string[] => list(value).map(String);
/** All objects of a document, from the outside in. */
export const every = (node: unknown): Record<string, unknown>[] => (isRecord(node) ? [...(Array.isArray(node) ? [] : [node]), ...Object.values(node).flatMap(every)] : []);

export const dockerfile = text('deploy/Dockerfile').replaceAll(/\\\n/g, ' ').split('\n').filter((line) => /^[A-Z]/.test(line)).map((line) => ({ word: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));
export const instructions = (word: string): string[] => dockerfile.filter((one) => one.word === word).map(({ rest }) => rest);
export const imageEnvironment = new Map(instructions('ENV').flatMap((rest) => rest.split(' ').map((pair): [string, string] => [pair.split('=')[0] ?? '', pair.split('=')[1] ?? ''])));
export const compose: unknown = parse(text('deploy/compose.yaml'), { merge: true });
export const services = record(member(compose, 'services'));
export const KUBERNETES = readdirSync(path.join(ROOT, 'deploy/kubernetes'));
const manifests = KUBERNETES.flatMap((file) => parseAllDocuments(text(`deploy/kubernetes/${file}`)).map((document): { file: string; body: unknown } => {
  assert.equal(document.errors, [], file);
  return { file, body: document.toJS() };
}));
export const ofKind = (kind: string): unknown[] => manifests.filter(({ body }) => member(body, 'kind') === kind).map(({ body }) => body);
export const deployments = ofKind('Deployment');
export const containerOf = (deployment: unknown): unknown => member(deployment, 'spec', 'template', 'spec', 'containers', 0);
