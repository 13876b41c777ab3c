/** What a client asks for, from JSON or multipart, made one. */
import { DomainError } from '../../core/errors.ts';
import { isStorable } from '../../core/values.ts';
import type { ScanKind } from '../../db/scans.ts';

/** A file that the HTTP layer has spooled. */
export interface Upload {
  field: string;
  fileName: string;
  path: string;
  byteSize: number;
  sha256: Buffer;
  /** First 64 KiB. */
  head: Buffer;
}

export interface ScanRequest {
  kind: ScanKind;
  ref: string | null;
  /** The ref as the client named it. */
  statedRef: string | null;
  commitSha: string | null;
  metadata: Record<string, unknown>;
  /** Of kind container, unless an archive of it was uploaded. */
  image: string | null;
  upload: Upload | null;
  /** SBOM format as the client states it. */
  statedFormat: string | null;
}

const METADATA_BYTES = 16 * 1024;
const METADATA_DEPTH = 4;

/** Fields of the multipart form, beside its files. */
export interface ScanForm {
  kind?: string | undefined;
  ref?: string | undefined;
  commit_sha?: string | undefined;
  metadata?: string | undefined;
  format?: string | undefined;
}

/** Throws validation-failed. */
export function scanRequestFromForm(form: ScanForm, uploads: readonly Upload[]): ScanRequest {
  const sbom = uploads.find((file) => file.field === 'sbom');
  const archive = uploads.find((file) => file.field === 'archive');
  const stray = uploads.find((file) => file !== sbom && file !== archive);
  if (stray !== undefined) throw invalid(`/${stray.field}`, "is not a file field; send the file as 'sbom' or 'archive'");
  if (sbom !== undefined && archive !== undefined) throw invalid('/archive', 'cannot stand beside sbom: one scan has one source');
  const upload = sbom ?? archive ?? null;
  const implied: ScanKind = sbom === undefined ? 'source' : 'sbom';
  const kind = kindOf(form.kind) ?? implied;
  const isImageArchive = kind === 'container' && archive !== undefined;
  if (kind === 'container' && !isImageArchive) throw invalid('/archive', "is missing: send the image as the file field 'archive', or its name as 'image' in a JSON body");
  if (upload !== null && kind !== implied && !isImageArchive) throw invalid('/kind', `is '${kind}', but the file came as '${upload.field}'`);
  if (kind === 'sbom' && upload === null) throw invalid('/sbom', "is missing: send the document as the file field 'sbom'");
  return {
    kind, upload, image: null, ref: normaliseRef(form.ref), statedRef: form.ref ?? null, commitSha: form.commit_sha?.toLowerCase() ?? null,
    metadata: boundedMetadata(form.metadata === undefined ? {} : parseObject(form.metadata)), statedFormat: form.format ?? null,
  };
}

/** Throws validation-failed. */
export function scanRequestFromJson(body: { kind?: ScanKind | undefined; image?: string | undefined; ref?: string | null | undefined; commit_sha?: string | null | undefined; metadata?: Record<string, unknown> | undefined }): ScanRequest {
  const kind = body.kind ?? 'source';
  if (kind === 'sbom') throw invalid('/kind', "'sbom' needs the document: send multipart/form-data with the file field 'sbom'");
  if (kind === 'container' && body.image === undefined) throw invalid('/image', "is missing: name the image, or send an archive of it as multipart/form-data with the file field 'archive'");
  if (kind !== 'container' && body.image !== undefined) throw invalid('/image', `belongs to kind 'container', not '${kind}'`);
  return { kind, upload: null, image: body.image ?? null, ref: normaliseRef(body.ref ?? undefined), statedRef: body.ref ?? null, commitSha: body.commit_sha?.toLowerCase() ?? null, metadata: boundedMetadata(body.metadata ?? {}), statedFormat: null };
}

/** `refs/heads/x` and `refs/tags/x` -> x, `refs/pull/7/merge` -> pr-7, `refs/merge-requests/7/head` -> mr-7: one name a line of work. */
export function normaliseRef(ref: string | undefined): string | null {
  if (ref === undefined || ref === '') return null;
  const request = /^refs\/(pull|merge-requests)\/(\d+)\//.exec(ref);
  if (request !== null) return `${request[1] === 'pull' ? 'pr' : 'mr'}-${request[2] ?? ''}`;
  return ref.replace(/^refs\/(heads|tags)\//, '');
}

function kindOf(text: string | undefined): ScanKind | undefined {
  return (['source', 'sbom', 'container'] as const).find((kind) => kind === text);
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('/metadata', 'is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('/metadata', 'must be a JSON object');
  return { ...value };
}

function boundedMetadata(metadata: Record<string, unknown>): Record<string, unknown> {
  if (Buffer.byteLength(JSON.stringify(metadata)) > METADATA_BYTES) throw invalid('/metadata', `is larger than ${METADATA_BYTES} bytes`);
  if (!isStorable(metadata)) throw invalid('/metadata', 'holds a NUL character or half of a surrogate pair');
  if (depthOf(metadata) > METADATA_DEPTH) throw invalid('/metadata', `is nested deeper than ${METADATA_DEPTH} levels`);
  return metadata;
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const invalid = (pointer: string, message: string): DomainError => new DomainError('validation-failed', `${pointer} ${message}.`, { errors: [{ pointer, message }] });
