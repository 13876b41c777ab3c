/** References of container images by the grammar of the distribution project: nothing that a program could take for an option, a file or a URL. */

export interface ImageReference {
  /** As it was given. */
  text: string;
  /** Host of the registry that is asked, without brackets and port. */
  host: string;
}

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const REGISTRY = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:.]{2,45}\\])(?::[0-9]{1,5})?`;
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REFERENCE = new RegExp(`^(?:(${REGISTRY})/)?(${PART}(?:/${PART})*)(:\\w[\\w.-]{0,127})?(@sha256:[0-9a-f]{64}|@sha512:[0-9a-f]{128})?$`);
/** What a name without a registry means. */
const DOCKER_HUB = 'index.docker.io';

/** `registry/name:tag`, `name@sha256:...`; null where the text is no reference. */
export function parseImage(text: string): ImageReference | null {
  if (text.length > 512) return null;
  const [, registry, name = ''] = REFERENCE.exec(text) ?? [];
  if (name === '' || name.length > 255) return null;
  const isHub = registry === undefined || !(/[.:A-Z]/.test(registry) || registry === 'localhost') || /^(?:index\.)?docker\.io$/.test(registry);
  return { text, host: isHub ? DOCKER_HUB : registry.replace(/:[0-9]+$/, '').replace(/^\[(.*)\]$/, '$1') };
}
