/**
 * The part of SPDX 2.3's JSON that we write, as a schema written by hand after the official one, which no package ships: the members that there are, which of them must be
 * there, and the words that it takes for them. Members that it does not name are faults.
 */
import { Ajv } from 'ajv';

const text = { type: 'string', minLength: 1 };
const object = (required: readonly string[], properties: Record<string, object>) => ({ type: 'object', required, properties, additionalProperties: false });
const list = (items: object) => ({ type: 'array', items });
const id = { type: 'string', pattern: '^SPDXRef-[A-Za-z0-9.-]+$' };
/** An expression of the licence list, LicenseRefs and operators, or no statement. */
const license = { type: 'string', pattern: '^(?:NOASSERTION|NONE|[A-Za-z0-9.+() -]+)$' };
const agent = { type: 'string', pattern: '^(?:NOASSERTION|(?:Person|Organization): .+)$' };

const PACKAGE = object(['SPDXID', 'name', 'downloadLocation'], {
  SPDXID: id, name: text, versionInfo: text, supplier: agent, downloadLocation: { type: 'string', pattern: '^(?:NOASSERTION|NONE|[a-z+]+:\\S+)$' }, filesAnalyzed: { const: false },
  licenseConcluded: license, licenseDeclared: license, licenseComments: text, copyrightText: text, description: text, comment: text,
  primaryPackagePurpose: { enum: ['OTHER', 'INSTALL', 'ARCHIVE', 'FIRMWARE', 'APPLICATION', 'FRAMEWORK', 'LIBRARY', 'CONTAINER', 'SOURCE', 'DEVICE', 'OPERATING_SYSTEM', 'FILE'] },
  checksums: list(object(['algorithm', 'checksumValue'], {
    algorithm: { enum: ['MD5', 'SHA1', 'SHA256', 'SHA384', 'SHA512', 'SHA3-256', 'SHA3-384', 'SHA3-512', 'BLAKE2b-256', 'BLAKE2b-384', 'BLAKE2b-512', 'BLAKE3'] }, checksumValue: { type: 'string', pattern: '^[0-9a-f]+$' },
  })),
  externalRefs: list(object(['referenceCategory', 'referenceType', 'referenceLocator'], { referenceCategory: { const: 'PACKAGE-MANAGER' }, referenceType: { const: 'purl' }, referenceLocator: { type: 'string', pattern: '^pkg:\\S+$' } })),
});
const DOCUMENT = object(['SPDXID', 'creationInfo', 'dataLicense', 'name', 'spdxVersion', 'documentNamespace'], {
  SPDXID: { const: 'SPDXRef-DOCUMENT' }, spdxVersion: { const: 'SPDX-2.3' }, dataLicense: { const: 'CC0-1.0' }, name: text, documentNamespace: { type: 'string', pattern: '^https://[^#\\s]+$' },
  creationInfo: object(['created', 'creators'], {
    created: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' }, creators: { type: 'array', minItems: 1, items: { type: 'string', pattern: '^(?:Tool|Organization|Person): .+' } },
  }),
  packages: list(PACKAGE),
  hasExtractedLicensingInfos: list(object(['licenseId', 'extractedText'], { licenseId: { type: 'string', pattern: '^LicenseRef-[A-Za-z0-9.-]+$' }, name: text, extractedText: text })),
  relationships: list(object(['spdxElementId', 'relationshipType', 'relatedSpdxElement'], { spdxElementId: id, relationshipType: { enum: ['DESCRIBES', 'DEPENDS_ON', 'CONTAINS'] }, relatedSpdxElement: id })),
});
const check = new Ajv({ allErrors: true }).compile(DOCUMENT);

/** The faults, in words; empty where there are none. */
export const faultsOfSpdx = (document: unknown): string[] => (check(document) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`));
