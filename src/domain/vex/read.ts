/** VEX documents in: OpenVEX (0.0.x and 0.2.0) and CycloneDX (JSON, 1.4 to 1.7), as one claim a statement and product. Pure; every text is untrusted. */
import { records, text } from '../../advisories/fields.ts';
import { DomainError } from '../../core/errors.ts';
import { isRecord } from '../../core/values.ts';
import type { JustificationCode } from '../findings/states.ts';
import { NOTE_PROPERTY, READ_STATUS, readNote, rfc3339, toJustificationCode, type Judged, type VexFormat } from './vocabulary.ts';

/** What a statement says of one product. */
export interface VexClaim {
  /** As the document names it first. */
  vulnerability: string | null;
  /** All names of the vulnerability. */
  names: readonly string[];
  /** Package URL, or whatever names the product. */
  product: string | null;
  /** Name of the document's own product, where the statement is on that as a whole. */
  subject: string | null;
  /** The status as the document wrote it. */
  word: string;
  judgement: Judged | null;
  text: string | null;
  /** RFC 3339; null where the document tells no time. */
  timestamp: string | null;
  /** Why it cannot be used, in words. */
  fault: { reason: 'malformed_statement' | 'unmapped_status' | 'ambiguous_match'; detail: string } | null;
}

export interface VexDocument {
  format: VexFormat;
  id: string | null;
  author: string | null;
  claims: readonly VexClaim[];
}

const MAX_CLAIMS = 100_000;
const MAX_TEXT = 4000;
const MAX_NAME = 2048;

/** Throws malformed-vex. */
export function readVex(content: Buffer): VexDocument {
  const document = parse(content);
  if (typeof document['@context'] === 'string' && document['@context'].startsWith('https://openvex.dev/ns')) return openVex(document);
  if (document['bomFormat'] === 'CycloneDX') return cycloneDx(document);
  throw malformed('The document is neither OpenVEX ("@context": "https://openvex.dev/ns/v0.2.0") nor CycloneDX ("bomFormat": "CycloneDX") in JSON.');
}

const malformed = (detail: string): DomainError => new DomainError('malformed-vex', detail);

function parse(content: Buffer): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (error) {
    throw malformed(error instanceof TypeError ? 'The document is not valid UTF-8.' : 'The document is not valid JSON.');
  }
  if (!isRecord(parsed)) throw malformed('The document is not a JSON object.');
  return parsed;
}

function bounded(claims: VexClaim[]): VexClaim[] {
  if (claims.length > MAX_CLAIMS) throw malformed(`The document makes more than ${MAX_CLAIMS} statements on products.`);
  return claims;
}

function openVex(document: Record<string, unknown>): VexDocument {
  if (!Array.isArray(document['statements'])) throw malformed('The document has no "statements".');
  const timestamp = time(document['last_updated']) ?? time(document['timestamp']);
  const claims: VexClaim[] = [];
  for (const one of document['statements']) claims.push(...(isRecord(one) ? openVexClaims(one, timestamp) : [unusable('A statement is not an object.')]));
  return { format: 'openvex', id: text(document['@id'], MAX_NAME), author: text(document['author'], MAX_NAME), claims: bounded(claims) };
}

function openVexClaims(one: Record<string, unknown>, documentTime: string | null): VexClaim[] {
  const vulnerability = isRecord(one['vulnerability']) ? one['vulnerability'] : { name: one['vulnerability'] };
  const aliases: unknown[] = Array.isArray(vulnerability['aliases']) ? vulnerability['aliases'] : [];
  const names = [vulnerability['name'], vulnerability['@id'], ...aliases].flatMap((name) => text(name, MAX_NAME) ?? []).map((name) => name.split('/').at(-1) ?? name);
  const notes = text(one['status_notes'], MAX_TEXT * 2)?.split('\n') ?? [];
  const note = notes[0]?.startsWith(`${NOTE_PROPERTY}: `) === true ? (notes.shift() ?? '').slice(NOTE_PROPERTY.length + 2) : null;
  const word = text(one['status'], 100) ?? '';
  const words = word === 'affected' ? text(one['action_statement'], MAX_TEXT) : word === 'not_affected' ? text(one['impact_statement'], MAX_TEXT) : null;
  const statement = {
    names, word, judgement: judge('openvex', word, toJustificationCode(text(one['justification'], 100)), note), text: words ?? text(notes.join('\n'), MAX_TEXT),
    timestamp: time(one['last_updated']) ?? time(one['timestamp']) ?? documentTime,
  };
  const named = products(one['products']);
  return (named.length === 0 ? [null] : named).map((product) => claim('openvex', statement, product));
}

/** A product with subcomponents is the project: what is judged are those. They have none themselves. */
function products(members: unknown, withParts = true): string[] {
  return (Array.isArray(members) ? members : []).flatMap((member: unknown) => {
    if (typeof member === 'string') return text(member, MAX_NAME) ?? [];
    if (!isRecord(member)) return [];
    const parts = withParts ? products(member['subcomponents'], false) : [];
    const identifiers = isRecord(member['identifiers']) ? member['identifiers'] : {};
    return parts.length > 0 ? parts : (text(identifiers['purl'], MAX_NAME) ?? text(member['@id'], MAX_NAME) ?? []);
  });
}

function cycloneDx(document: Record<string, unknown>): VexDocument {
  const metadata = isRecord(document['metadata']) ? document['metadata'] : {};
  if (!Array.isArray(document['vulnerabilities'])) throw malformed('The document has no "vulnerabilities".');
  const purls = new Map<string, string>();
  const learn = (component: unknown): void => {
    if (!isRecord(component)) return;
    const [ref, purl] = [text(component['bom-ref'], MAX_NAME), text(component['purl'], MAX_NAME)];
    if (ref !== null && purl !== null) purls.set(ref, purl);
  };
  for (const component of Array.isArray(document['components']) ? document['components'] : []) learn(component);
  const own = isRecord(metadata['component']) ? metadata['component'] : {};
  learn(own);
  const subject = { ref: text(own['bom-ref'], MAX_NAME), name: text(own['name'], MAX_NAME) };
  const timestamp = time(metadata['timestamp']);
  const claims: VexClaim[] = [];
  for (const one of document['vulnerabilities']) claims.push(...(isRecord(one) ? cycloneDxClaims(one, timestamp, { purls, subject }) : [unusable('An entry of "vulnerabilities" is not an object.')]));
  const supplier = isRecord(metadata['supplier']) ? metadata['supplier'] : {};
  return { format: 'cyclonedx', id: text(document['serialNumber'], MAX_NAME), author: text(records(metadata['authors'])[0]?.['name'], MAX_NAME) ?? text(supplier['name'], MAX_NAME), claims: bounded(claims) };
}

/** What the refs of a document can mean. */
interface Refs {
  purls: ReadonlyMap<string, string>;
  subject: { ref: string | null; name: string | null };
}

function cycloneDxClaims(one: Record<string, unknown>, documentTime: string | null, { purls, subject }: Refs): VexClaim[] {
  const analysis = isRecord(one['analysis']) ? one['analysis'] : {};
  const names = [one['id'], ...records(one['references']).map((reference) => reference['id'])].flatMap((id) => text(id, MAX_NAME) ?? []);
  const note = text(records(one['properties']).find((property) => property['name'] === NOTE_PROPERTY)?.['value'], 500);
  const word = text(analysis['state'], 100) ?? '';
  const statement = {
    names, word, judgement: judge('cyclonedx', word, toJustificationCode(text(analysis['justification'], 100)), note), text: text(analysis['detail'], MAX_TEXT),
    timestamp: time(analysis['lastUpdated']) ?? time(analysis['firstIssued']) ?? time(one['updated']) ?? documentTime,
  };
  const affected = records(one['affects']).flatMap((target) => affectedOf(target, purls));
  if (affected.length === 0) return [claim('cyclonedx', statement, null)];
  return affected.map(({ ref, product, isRange }) => {
    const made = { ...claim('cyclonedx', statement, product), subject: ref === subject.ref ? subject.name : null };
    return isRange && made.fault === null ? { ...made, fault: { reason: 'ambiguous_match', detail: 'Ranges of versions are not evaluated; name each version.' } } : made;
  });
}

/** A ref is a component of the document, a package URL, or a link into another document whose refs are package URLs. Its versions count where the ref itself has none. */
function affectedOf(target: Record<string, unknown>, purls: ReadonlyMap<string, string>): { ref: string; product: string; isRange: boolean }[] {
  const written = text(target['ref'], MAX_NAME);
  if (written === null) return [];
  const ref = written.startsWith('urn:cdx:') ? decoded(written.slice(written.indexOf('#') + 1)) : written;
  const product = purls.get(written) ?? ref;
  const versions = records(target['versions']);
  if (versions.length === 0 || !product.startsWith('pkg:') || /@[^/@]+$/.test(product.split(/[?#]/, 1)[0] ?? '')) return [{ ref, product, isRange: false }];
  const [path = '', rest = ''] = [/^[^?#]*/.exec(product)?.[0], /[?#].*$/.exec(product)?.[0]];
  return versions.map((one) => {
    const version = text(one['version'], 256);
    return { ref, product: version === null ? product : `${path}@${encodeURIComponent(version)}${rest}`, isRange: version === null };
  });
}

function decoded(ref: string): string {
  try {
    return decodeURIComponent(ref);
  } catch {
    return ref;
  }
}

function judge(format: VexFormat, word: string, code: JustificationCode | null, note: string | null): Judged | null {
  const status = READ_STATUS[format].get(word);
  if (status === undefined) return null;
  return readNote(note) ?? { status, code: status === 'not_affected' ? code : null, expiresAt: null, scope: 'version' };
}

function claim(format: VexFormat, { names, ...statement }: Pick<VexClaim, 'names' | 'word' | 'judgement' | 'text' | 'timestamp'>, product: string | null): VexClaim {
  const made = { ...statement, names, vulnerability: names[0] ?? null, product, subject: null };
  if (names.length === 0) return { ...made, fault: { reason: 'malformed_statement', detail: 'The statement names no vulnerability.' } };
  if (statement.judgement === null) return { ...made, fault: { reason: 'unmapped_status', detail: `'${statement.word}' is no status of ${format === 'openvex' ? 'OpenVEX' : 'CycloneDX'}.` } };
  return { ...made, fault: product === null ? { reason: 'malformed_statement', detail: 'The statement names no component.' } : null };
}

const unusable = (detail: string): VexClaim => ({ vulnerability: null, names: [], product: null, subject: null, word: '', judgement: null, text: null, timestamp: null, fault: { reason: 'malformed_statement', detail } });

const time = (value: unknown): string | null => (typeof value === 'string' ? rfc3339(value) : null);
