/**
 * Container images by the program trivy, which lists what is in them and nothing more: it gets no vulnerability database, no engine's socket, no
 * credential and no connection but by way of a guarded proxy. Its CycloneDX is read as any other document of hostile origin.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { inheritedEnvironment } from '../config.ts';
import { AddressError, type AddressGuard } from './addresses.ts';
import { runBounded, type BoundedEnd } from './bounded-process.ts';
import { ProxyLimit, startGuardedProxy, type GuardedProxy } from './guarded-proxy.ts';
import type { ImageReference } from './image-reference.ts';

export type ImageFaultCode =
  | 'image-address-refused' | 'image-authentication' | 'image-failed' | 'image-malformed' | 'image-not-found' | 'image-timeout' | 'image-too-large' | 'image-unavailable' | 'image-unreachable';

/** A fault of the image or its registry, in words for who asked for the scan; another try would not help. */
export class ImageFault extends Error {
  readonly code: ImageFaultCode;
  /** The program's last words, for the log alone: registries write into them. */
  readonly lastWords: string;
  constructor(code: ImageFaultCode, message: string, lastWords = '') {
    super(message);
    this.name = 'ImageFault';
    this.code = code;
    this.lastWords = lastWords;
  }
}

export interface ImageRequest {
  /** Absolute path of trivy. */
  program: string;
  /** An image in its registry, or a file or OCI layout in the workspace. */
  source: ImageReference | { input: string };
  /** An existing folder of this scan alone. */
  workspace: string;
  guard: AddressGuard;
  /** PEM bundle for registries; null: the machine's. */
  caFile: string | null;
  limits: { bytes: number; timeoutMs: number };
  signal: AbortSignal;
}

export interface ImageContents {
  /** File with a CycloneDX JSON document. */
  sbom: string;
  warnings: string[];
}

const MIB = 1024 * 1024;
const MEMORY_BYTES = 4096 * MIB;
/** Least size of a file that trivy may write; some builds of it unpack themselves into one. */
const FILE_BYTES = 1024 * MIB;
const JARS = ['jar', 'war', 'ear', 'par'].map((end) => `**/*.${end}`).join(',');

/** Throws ImageFault, or the reason of the signal. */
export async function listImage(request: ImageRequest): Promise<ImageContents> {
  const { source, guard, limits, signal } = request;
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  if (!('input' in source)) await guard.resolve(source.host).catch((error: unknown) => { throw error instanceof AddressError ? addressFault(error) : error; });
  const proxy = await startGuardedProxy(guard, limits.bytes);
  try {
    return await list(request, proxy, AbortSignal.any([signal, deadline]));
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) throw new ImageFault('image-timeout', `The image could not be read within ${Math.round(limits.timeoutMs / 1000)} seconds.`);
    throw error;
  } finally {
    await proxy.stop();
  }
}

/** Java archives are named by a database that trivy would have to download: images that have some are read without them, and the scan says so. */
async function list(request: ImageRequest, proxy: GuardedProxy, signal: AbortSignal): Promise<ImageContents> {
  const sbom = path.join(request.workspace, 'image.cdx.json');
  const first = await run(request, proxy, signal, sbom, []);
  if (first.status === 0) return { sbom, warnings: [] };
  if (!/java db/i.test(first.stderr)) throw faultOf(first, proxy, request);
  const second = await run(request, proxy, signal, sbom, ['--skip-files', JARS]);
  if (second.status !== 0) throw faultOf(second, proxy, request);
  return { sbom, warnings: ['Java archives in the image were passed over: trivy needs a database of its own to name them. Scan the source, or upload an SBOM of it, for these.'] };
}

async function run({ program, source, workspace, caFile, limits }: ImageRequest, proxy: GuardedProxy, signal: AbortSignal, sbom: string, more: readonly string[]): Promise<BoundedEnd> {
  const home = path.join(workspace, 'trivy');
  await mkdir(home, { recursive: true, mode: 0o700 });
  const target = 'input' in source ? ['--input', source.input] : ['--', source.text];
  const args = [
    'image', '--format', 'cyclonedx', '--output', sbom, '--cache-dir', path.join(home, 'cache'), '--image-src', 'remote', '--offline-scan', '--skip-db-update', '--skip-java-db-update',
    '--no-progress', '--timeout', `${Math.ceil(limits.timeoutMs / 1000)}s`, ...more, ...target,
  ];
  return runBounded(program, args, {
    cwd: home, signal, limits: { memoryBytes: MEMORY_BYTES, fileBytes: Math.max(limits.bytes, FILE_BYTES), outputBytes: MIB },
    env: {
      PATH: inheritedEnvironment()['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', HOME: home, TMPDIR: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, DOCKER_CONFIG: home, LC_ALL: 'C',
      HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: '', TRIVY_DISABLE_TELEMETRY: 'true', TRIVY_SKIP_VERSION_CHECK: 'true', ...(caFile === null ? {} : { SSL_CERT_FILE: caFile }),
    },
  });
}

function addressFault(error: AddressError): ImageFault {
  return new ImageFault(error.code === 'refused' ? 'image-address-refused' : 'image-unreachable', error.message);
}

/** In order: the first that fits names the fault. */
const KNOWN: readonly [RegExp, ImageFaultCode, string][] = [
  [/UNAUTHORIZED|DENIED|authentication required|40[13] (?:Unauthorized|Forbidden)/i, 'image-authentication', 'The registry wants a log-in for this image, or has no such image. The portal reads public images; upload an archive of the image (docker save) instead.'],
  [/MANIFEST_UNKNOWN|NAME_UNKNOWN|manifest unknown|404 Not Found|no child with platform/i, 'image-not-found', 'The registry has no such image, or not for this platform.'],
  [/x509:|certificate|connection refused|i\/o timeout|Bad Gateway|TOOMANYREQUESTS|EOF|reset by peer/i, 'image-unreachable', 'The registry cannot be reached, its certificate is not trusted, or it serves no more requests for now.'],
  [/file too large|no space left|cannot allocate memory|out of memory/i, 'image-too-large', 'The image needs more space or memory than this installation gives it.'],
];

function faultOf({ status, stderr }: BoundedEnd, proxy: GuardedProxy, { source, limits }: ImageRequest): ImageFault {
  const cut = proxy.fault();
  if (cut instanceof ProxyLimit) return new ImageFault('image-too-large', `The image is larger than ${limits.bytes} bytes (IMAGE_MAX_BYTES).`);
  if (cut !== null) return addressFault(cut);
  if (status === 126 || status === 127) return new ImageFault('image-unavailable', 'The program trivy cannot be run on this server.');
  if ('input' in source) return new ImageFault('image-malformed', 'The upload could not be read as a container image: neither an archive of `docker save` nor an OCI layout.', stderr.slice(-2000));
  const [, code, message] = KNOWN.find(([pattern]) => pattern.test(stderr)) ?? [];
  return new ImageFault(code ?? 'image-failed', message ?? 'trivy could not read the image from its registry; the log of the portal has its words.', stderr.slice(-2000));
}
