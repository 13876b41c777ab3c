/** Source from a container image: in its registry, or uploaded as an archive. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../../config.ts';
import type { Inventory } from '../../core/component.ts';
import { DomainError } from '../../core/errors.ts';
import { readBlob } from '../../db/blobs.ts';
import type { ClaimedScan } from '../../db/scan-states.ts';
import { createAddressGuard } from '../../integrations/addresses.ts';
import { parseImage, type ImageReference } from '../../integrations/image-reference.ts';
import { findProgram } from '../../integrations/programs.ts';
import { ImageFault, listImage } from '../../integrations/trivy.ts';
import { ARCHIVE_LIMITS, type ArchiveLimits } from '../../scan/archive-bounds.ts';
import { readArchive, recogniseArchive, unpackTar } from '../../scan/archive.ts';
import type { Services } from '../context.ts';
import { readSbom } from '../formats/sbom-read.ts';
import type { ScanRequest } from './request.ts';

/** `source_format` by where the image comes from; the archive formats carry their own name. */
const FORMATS = ['image', 'image-tar', 'image-tar.gz'] as const;
type ImageFormat = (typeof FORMATS)[number];

export const isImageFormat = (text: string): text is ImageFormat => FORMATS.some((format) => format === text);

/** Throws validation-failed, unsupported-archive, scan-kind-unavailable. */
export async function containerFormat({ config }: { config: Config }, { image, upload }: ScanRequest): Promise<ImageFormat> {
  const reference = image === null ? null : parseImage(image);
  if (image !== null && reference === null) throw invalid('is no reference of an image, such as registry.example.com/team/app:1.0 or name@sha256:...');
  if (reference !== null && createAddressGuard(config.ALLOW_PRIVATE_ADDRESSES).refuses(reference.host)) throw invalid('leads to an address of a private or local network, which is not allowed; an operator can allow it by ALLOW_PRIVATE_ADDRESSES');
  const archive = upload === null ? null : recogniseArchive(upload.head);
  if (upload !== null && archive !== 'tar' && archive !== 'tar.gz') throw new DomainError('unsupported-archive', 'An image is taken as a tar or tar.gz: what `docker save` writes, or an OCI layout.');
  if ((await findProgram('trivy', config.TRIVY_PATH)) === null) {
    throw new DomainError('scan-kind-unavailable', 'Scans of container images need the program trivy, which is not installed on this server: install it on PATH, or name it by TRIVY_PATH. Or upload an SBOM of the image.');
  }
  return archive === 'tar' || archive === 'tar.gz' ? `image-${archive}` : 'image';
}

const invalid = (message: string): DomainError => new DomainError('validation-failed', `/image ${message}.`, { errors: [{ pointer: '/image', message }] });

/**
 * Lists the image. Throws ImageFault, ArchiveError, SbomError, or the reason of the signal, with trivy killed.
 */
export async function gatherFromImage(services: Services, scan: ClaimedScan, workspace: string, signal: AbortSignal, step: (name: 'prep' | 'cdxgen') => Promise<void>): Promise<Inventory> {
  const { config } = services;
  try {
    const program = await findProgram('trivy', config.TRIVY_PATH);
    if (program === null) throw new ImageFault('image-unavailable', 'The program trivy is not installed on the server that runs scans.');
    const source = scan.image === null ? { input: await unpackUpload(services, scan, workspace, signal) } : referenceOf(scan.image);
    await step('prep');
    const { sbom, warnings } = await listImage({
      program, source, workspace, signal, guard: createAddressGuard(config.ALLOW_PRIVATE_ADDRESSES), caFile: config.IMAGE_CA_FILE,
      limits: { bytes: config.IMAGE_MAX_BYTES, timeoutMs: config.IMAGE_TIMEOUT_SECONDS * 1000 },
    });
    await step('cdxgen');
    const inventory = await readSbom('cyclonedx-json', createReadStream(sbom));
    return { ...inventory, warnings: [...warnings, ...inventory.warnings] };
  } catch (error) {
    if (error instanceof ImageFault && error.lastWords !== '') services.log.info({ scan_id: scan.id, trivy: error.lastWords }, 'trivy failed');
    throw error;
  }
}

function referenceOf(image: string): ImageReference {
  const reference = parseImage(image);
  if (reference === null) throw new ImageFault('image-failed', 'The image is not named by a reference that is read.');
  return reference;
}

/** What `docker save` wrote goes to trivy as it is, which reads it without unpacking; an OCI layout is unpacked, by its names of blobs alone. */
async function unpackUpload({ db, config }: Services, scan: ClaimedScan, workspace: string, signal: AbortSignal): Promise<string> {
  if (scan.blobId === null) throw new ImageFault('image-failed', 'The upload of this scan is no longer there. Queue a new scan.');
  const archive = path.join(workspace, 'image.tar');
  await pipeline(readBlob(db, scan.blobId), createWriteStream(archive, { mode: 0o600 }), { signal });
  const format = scan.sourceFormat === 'image-tar.gz' ? 'tar.gz' : 'tar';
  const limits: ArchiveLimits = { ...ARCHIVE_LIMITS, totalBytes: config.IMAGE_MAX_BYTES, fileBytes: config.IMAGE_MAX_BYTES, wantedBytes: config.IMAGE_MAX_BYTES };
  const names = new Set<string>();
  for await (const file of readArchive(archive, format, (name) => name === 'manifest.json' || name === 'oci-layout', { ...limits, fileBytes: ARCHIVE_LIMITS.fileBytes })) names.add(file.path);
  if (names.has('manifest.json')) return archive;
  if (!names.has('oci-layout')) throw new ImageFault('image-malformed', 'The upload holds neither manifest.json, as `docker save` writes it, nor an OCI layout.');
  const layout = path.join(workspace, 'layout');
  await mkdir(layout, { mode: 0o700 });
  await unpackTar(archive, format, layout, (name) => /^(?:oci-layout|index\.json|blobs\/sha(?:256|512)\/[0-9a-f]{64,128})$/.test(name), limits);
  return layout;
}
