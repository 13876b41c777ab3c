/** SPDX 2.2 and 2.3, tag-value: `Tag: value` lines, values over several lines between <text> and </text>. */
import type { Inventory } from '../../core/component.ts';
import type { SbomLimits } from './sbom-builder.ts';
import { SbomError } from './sbom-error.ts';
import { SpdxCollector, type SpdxPackage } from './spdx.ts';

const MAX_LINE = 1024 * 1024;

type Draft = { -readonly [Key in keyof SpdxPackage]: SpdxPackage[Key] } & { checksums: Record<string, string> };

export async function readSpdxTagValue(source: AsyncIterable<Uint8Array>, limits?: SbomLimits): Promise<Inventory> {
  const collector = new SpdxCollector(limits);
  let version: string | undefined;
  let draft: Draft | null = null;
  let license: string | null = null;
  const close = (): void => {
    if (draft !== null) collector.package(draft);
    draft = null;
  };
  for await (const [tag, value] of tagValues(source)) {
    if (tag === 'SPDXVersion') version ??= value;
    else if (tag === 'PackageName') {
      close();
      draft = { id: '', name: value, version: '', purl: null, purpose: null, declared: null, concluded: null, checksums: {}, supplier: null, description: null, comment: null, sourceInfo: null, copyright: null };
    } else if (tag === 'FileName' || tag === 'SnippetSPDXID' || tag === 'LicenseID') {
      close();
      license = tag === 'LicenseID' ? value : null;
    } else if (tag === 'ExtractedText' && license !== null) collector.extractedLicense(license, value);
    else if (tag === 'Relationship') relate(collector, value);
    else if (draft !== null) assign(draft, tag, value);
  }
  close();
  return collector.finish(version);
}

function relate(collector: SpdxCollector, value: string): void {
  const [from, type, to] = value.split(/\s+/);
  if (from !== undefined && type !== undefined && to !== undefined) collector.relationship(from, type, to);
}

function assign(draft: Draft, tag: string, value: string): void {
  switch (tag) {
    case 'SPDXID': draft.id = value; break;
    case 'PackageVersion': draft.version = value; break;
    case 'PackageLicenseDeclared': draft.declared = value; break;
    case 'PackageLicenseConcluded': draft.concluded = value; break;
    case 'PackageSupplier': draft.supplier = value; break;
    case 'PackageDescription': draft.description = value; break;
    case 'PackageSummary': draft.description ??= value; break;
    case 'PackageSourceInfo': draft.sourceInfo = value; break;
    case 'PackageCopyrightText': draft.copyright = value; break;
    case 'PackageComment': draft.comment = value; break;
    case 'PrimaryPackagePurpose': draft.purpose = value; break;
    case 'PackageChecksum': {
      const [algorithm = '', sum = ''] = value.split(/:\s*/);
      draft.checksums[algorithm] = sum;
      break;
    }
    case 'ExternalRef': {
      const [, type, locator] = value.split(/\s+/);
      if (type === 'purl' && locator !== undefined) draft.purl ??= locator;
      break;
    }
    default:
  }
}

async function* tagValues(source: AsyncIterable<Uint8Array>): AsyncGenerator<[tag: string, value: string]> {
  let open: { tag: string; lines: string[] } | null = null;
  let number = 0;
  for await (const line of lines(source)) {
    number += 1;
    if (open !== null) {
      const end = line.indexOf('</text>');
      open.lines.push(end === -1 ? line : line.slice(0, end));
      if (open.lines.length > 100_000) throw new SbomError('too-large', `The <text> before line ${number} is too long.`);
      if (end === -1) continue;
      yield [open.tag, open.lines.join('\n')];
      open = null;
      continue;
    }
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    if (colon === -1) throw new SbomError('malformed', `Line ${number} is no "Tag: value".`);
    const tag = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (!value.startsWith('<text>')) yield [tag, value];
    else if (value.includes('</text>')) yield [tag, value.slice(6, value.indexOf('</text>'))];
    else open = { tag, lines: [value.slice(6)] };
  }
  if (open !== null) throw new SbomError('malformed', `The <text> of ${open.tag} is never closed.`);
}

async function* lines(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw new SbomError('encoding', 'The document is not valid UTF-8.');
    }
  };
  for await (const chunk of source) {
    const parts = (rest + decode(chunk)).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > MAX_LINE) throw new SbomError('too-large', `A line is longer than ${MAX_LINE} characters.`);
    for (const part of parts) yield part.replace(/\r$/, '');
  }
  rest += decode();
  if (rest !== '') yield rest;
}
