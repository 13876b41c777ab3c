/** Which kind of SBOM is it? Told from the first 64 KiB; nothing is parsed for it. */

const SBOM_FORMATS = ['cyclonedx-json', 'cyclonedx-xml', 'spdx-json', 'spdx-tv'] as const;
export type SbomFormat = (typeof SBOM_FORMATS)[number];

export function isSbomFormat(text: string): text is SbomFormat {
  return SBOM_FORMATS.some((format) => format === text);
}

/** The format, or null where the bytes look like none of them (UTF-16 included). */
export function recogniseSbom(head: Uint8Array): SbomFormat | null {
  const text = new TextDecoder('utf-8').decode(head).replace(/^\uFEFF/, '').trimStart();
  if (text.startsWith('{')) {
    if (/"bomFormat"\s*:\s*"CycloneDX"/.test(text)) return 'cyclonedx-json';
    if (/"spdxVersion"\s*:\s*"SPDX-/.test(text) || /"SPDXID"\s*:\s*"SPDXRef-DOCUMENT"/.test(text)) return 'spdx-json';
    return null;
  }
  if (text.startsWith('<')) return /<(?:[\w.-]+:)?bom\b[^>]*cyclonedx\.org\/schema\/bom\//.test(text) ? 'cyclonedx-xml' : null;
  return /^SPDXVersion:\s*SPDX-/m.test(text) ? 'spdx-tv' : null;
}
