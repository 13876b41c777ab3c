/** Scans of files: streamed from the disk, never held in memory, and made anew for each try. */
import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import type { PortalClient, Schema } from './client.ts';
import { isRecord } from './problem.ts';

export interface UploadFields {
  /** Branch, tag, `pr-<number>` or `mr-<number>`, also as `refs/...`. */
  ref?: string;
  commitSha?: string;
  metadata?: Readonly<Record<string, unknown>>;
  /** As the portal keeps it; of a path its last part. */
  fileName?: string;
  /** So that calling again, in another process too, starts no second scan; made up where there is none. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface SbomFields extends UploadFields {
  /** Recognised by the portal where it is left out. */
  format?: 'cyclonedx-json' | 'cyclonedx-xml' | 'spdx-json' | 'spdx-tv';
}

export interface ArchiveFields extends UploadFields {
  /** `container`: the archive is an image. */
  kind?: 'source' | 'container';
}

/** Queues a scan of a CycloneDX or SPDX document. @param file its path, or the document */
export function uploadSbom(client: PortalClient, projectId: string, file: string | Blob, { format, ...fields }: SbomFields = {}): Promise<Schema<'Scan'>> {
  return upload(client, projectId, 'sbom', file, fields, format === undefined ? {} : { format });
}

/** Queues a scan of a zip, tar, tar.gz or tar.zst of a source tree, or of an image. @param file its path, or the archive */
export function uploadArchive(client: PortalClient, projectId: string, file: string | Blob, { kind, ...fields }: ArchiveFields = {}): Promise<Schema<'Scan'>> {
  return upload(client, projectId, 'archive', file, fields, kind === undefined ? {} : { kind });
}

async function upload(client: PortalClient, projectId: string, field: 'sbom' | 'archive', file: string | Blob, fields: UploadFields, more: Readonly<Record<string, string>>): Promise<Schema<'Scan'>> {
  const { ref, commitSha, metadata, signal } = fields;
  const form = new FormData();
  const texts = { ...more, ref, commit_sha: commitSha, metadata: metadata === undefined ? undefined : JSON.stringify(metadata) };
  for (const [name, text] of Object.entries(texts)) if (text !== undefined) form.set(name, text);
  form.set(field, typeof file === 'string' ? await openAsBlob(file) : file, fields.fileName ?? (typeof file === 'string' ? path.basename(file) : field));
  const headers = { 'Idempotency-Key': fields.idempotencyKey ?? randomUUID() };
  const url = `${client.baseUrl}/v1/projects/${encodeURIComponent(projectId)}/scans`;
  const response = await client.send(() => new Request(url, { method: 'POST', headers, body: form, redirect: 'manual', ...(signal === undefined ? {} : { signal }) }));
  const scan: unknown = await response.json();
  if (!isScan(scan)) throw new TypeError(`${url} did not answer with a scan.`);
  return scan;
}

const isScan = (value: unknown): value is Schema<'Scan'> => isRecord(value) && typeof value['id'] === 'string' && typeof value['status'] === 'string';
