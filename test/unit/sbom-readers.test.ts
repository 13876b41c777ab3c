/** Documents in: each version and serialisation that is read, and documents that are broken, hostile or merely odd. */
import * as assert from 'uvu/assert';
import type { Inventory } from '../../src/core/component.ts';
import { recogniseSbom, type SbomFormat } from '../../src/domain/formats/sbom-format.ts';
import { readSbom, SbomError } from '../../src/domain/formats/sbom-read.ts';
import { orderComponents } from '../../src/domain/scans/graph.ts';
import { suite } from '../support/suite.ts';

async function* chunks(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
  await Promise.resolve();
}
const bytes = (content: string | Uint8Array): Uint8Array => (typeof content === 'string' ? new TextEncoder().encode(content) : content);
const read = (format: SbomFormat, content: string | Uint8Array, size = 65_536): Promise<Inventory> => readSbom(format, chunks(bytes(content), size));
/** The code of the fault, or `read`; anything but an SbomError is a bug. */
const outcome = (format: SbomFormat, content: string | Uint8Array): Promise<string> => read(format, content).then(() => 'read', (error: unknown) => (error instanceof SbomError ? error.code : `BUG ${String(error)}`));

/** What every document below says, as one line a component. */
const EXPECTED = ['pkg:npm/%40s/a@1.0.0 direct MIT SHA-256', 'pkg:npm/b@2.0.0 transitive Apache-2.0 OR MIT '];
function summary({ components }: Inventory): string[] {
  return components.map(({ purl, direct, declaredLicense, hashes }) => `${purl} ${direct === true ? 'direct' : 'transitive'} ${declaredLicense ?? ''} ${Object.keys(hashes).join()}`).sort();
}
const HASH = 'ab'.repeat(32);
const cdxJson = (version: string): string => JSON.stringify({
  bomFormat: 'CycloneDX', specVersion: version, version: 1, metadata: { component: { type: 'application', 'bom-ref': 'root', name: 'app', version: '1' } },
  components: [
    { type: 'library', 'bom-ref': 'a', group: '@s', name: 'a', version: '1.0.0', purl: 'pkg:npm/%40s/a@1.0.0', licenses: [{ license: { id: 'MIT' } }], hashes: [{ alg: 'SHA-256', content: HASH }], components: [{ type: 'library', 'bom-ref': 'b', name: 'b', version: '2.0.0', purl: 'pkg:npm/b@2.0.0', licenses: [{ expression: 'Apache-2.0 OR MIT' }] }] },
  ],
  dependencies: [{ ref: 'root', dependsOn: ['a'] }, { ref: 'a', dependsOn: ['b'] }],
});
const cdxXml = (version: string, head = '<?xml version="1.0" encoding="UTF-8"?>'): string => `${head}<bom xmlns="http://cyclonedx.org/schema/bom/${version}" version="1"><metadata><component type="application" bom-ref="root"><name>app</name><version>1</version></component></metadata><components><component type="library" bom-ref="a"><group>@s</group><name>a</name><version>1.0.0</version><hashes><hash alg="SHA-256">${HASH}</hash></hashes><licenses><license><id>MIT</id></license></licenses><purl>pkg:npm/%40s/a@1.0.0</purl><components><component type="library" bom-ref="b"><name>b</name><version>2.0.0</version><licenses><expression>Apache-2.0 OR MIT</expression></licenses><purl>pkg:npm/b@2.0.0</purl></component></components></component></components><dependencies><dependency ref="root"><dependency ref="a"/></dependency><dependency ref="a"><dependency ref="b"/></dependency></dependencies></bom>`;
const spdxJson = (version: string): string => JSON.stringify({
  spdxVersion: version, SPDXID: 'SPDXRef-DOCUMENT', name: 'app', dataLicense: 'CC0-1.0', documentDescribes: ['SPDXRef-root'],
  packages: [
    { SPDXID: 'SPDXRef-root', name: 'app', versionInfo: '1', downloadLocation: 'NOASSERTION' },
    { SPDXID: 'SPDXRef-a', name: '@s/a', versionInfo: '1.0.0', licenseDeclared: 'MIT', checksums: [{ algorithm: 'SHA256', checksumValue: HASH }], externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: 'pkg:npm/%40s/a@1.0.0' }] },
    { SPDXID: 'SPDXRef-b', name: 'b', versionInfo: '2.0.0', licenseDeclared: 'NOASSERTION', licenseConcluded: 'Apache-2.0 OR MIT', externalRefs: [{ referenceCategory: 'PACKAGE_MANAGER', referenceType: 'purl', referenceLocator: 'pkg:npm/b@2.0.0' }] },
  ],
  relationships: [{ spdxElementId: 'SPDXRef-root', relationshipType: 'DEPENDS_ON', relatedSpdxElement: 'SPDXRef-a' }, { spdxElementId: 'SPDXRef-b', relationshipType: 'DEPENDENCY_OF', relatedSpdxElement: 'SPDXRef-a' }],
});
const spdxTv = (version: string): string => `SPDXVersion: ${version}\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: app\n# comment\n\nPackageName: app\nSPDXID: SPDXRef-root\nPackageVersion: 1\n\nPackageName: @s/a\nSPDXID: SPDXRef-a\nPackageVersion: 1.0.0\nPackageLicenseDeclared: MIT\nPackageChecksum: SHA256: ${HASH}\nPackageDescription: <text>several\nlines: of it</text>\nExternalRef: PACKAGE-MANAGER purl pkg:npm/%40s/a@1.0.0\n\nPackageName: b\nSPDXID: SPDXRef-b\nPackageVersion: 2.0.0\nPackageLicenseDeclared: NOASSERTION\nPackageLicenseConcluded: Apache-2.0 OR MIT\nExternalRef: PACKAGE-MANAGER purl pkg:npm/b@2.0.0\n\nRelationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-root\nRelationship: SPDXRef-root DEPENDS_ON SPDXRef-a\nRelationship: SPDXRef-b DEPENDENCY_OF SPDXRef-a\n`;

const versions = suite('readSbom');
const DOCUMENTS: [string, SbomFormat, string][] = [
  ...['1.2', '1.3', '1.4', '1.5', '1.6', '1.7'].flatMap((version): [string, SbomFormat, string][] => [[`CycloneDX ${version} JSON`, 'cyclonedx-json', cdxJson(version)], [`CycloneDX ${version} XML`, 'cyclonedx-xml', cdxXml(version)]]),
  ...['SPDX-2.2', 'SPDX-2.3'].flatMap((version): [string, SbomFormat, string][] => [[`${version} JSON`, 'spdx-json', spdxJson(version)], [`${version} tag-value`, 'spdx-tv', spdxTv(version)]]),
];
for (const [name, format, content] of DOCUMENTS) {
  versions(`${name} is recognised and read, however it is cut into pieces`, async () => {
    assert.is(recogniseSbom(bytes(content)), format);
    for (const size of [1, 7, 65_536]) assert.equal(summary(await read(format, content, size)), EXPECTED, `${size}`);
    assert.equal(summary(await read(format, `\uFEFF${content}`)), EXPECTED, 'with a byte order mark');
    assert.equal(summary(await read(format, content.replaceAll('\n', '\r\n'))), EXPECTED, 'with CRLF');
  });
  versions(`${name} in another encoding, cut off or of an unknown version is refused in words`, async () => {
    for (const mark of ['', '\uFEFF']) {
      const utf16 = Buffer.from(mark + content, 'utf16le');
      for (const other of [utf16, Buffer.from(utf16).swap16()]) {
        assert.is(recogniseSbom(other), null);
        assert.ok(['malformed', 'encoding', 'unsupported-version'].includes(await outcome(format, other)), await outcome(format, other));
      }
    }
    const latin1 = Buffer.from(content.replace('app', 'h\u00e9'), 'latin1');
    assert.is(await outcome(format, latin1), 'encoding');
    if (format !== 'spdx-tv') for (const part of [0.1, 0.5, 0.9]) assert.is(await outcome(format, content.slice(0, content.length * part)), 'malformed', `${part}`);
    for (const wrong of ['1.1', '1.8', '2.0', 'SPDX-2.1', 'SPDX-3.0']) assert.ok(['malformed', 'unsupported-version'].includes(await outcome(format, content.replace(/1\.[2-7]|SPDX-2\.[23]/, wrong))), wrong);
  });
}

const acknowledged = suite('licences of CycloneDX');
acknowledged('what somebody concluded counts where nothing is declared, and not beside what is', async () => {
  const xml = (licenses: string): string => cdxXml('1.6').replace(/<licenses>.*?<\/licenses>/, `<licenses>${licenses}</licenses>`);
  const json = (licenses: unknown): string => cdxJson('1.6').replace(JSON.stringify([{ license: { id: 'MIT' } }]), JSON.stringify(licenses));
  const licensed = async (format: SbomFormat, text: string) => (await read(format, text)).components.find(({ name }) => name === 'a')?.declaredLicense;
  const concluded = { license: { id: 'ISC', acknowledgement: 'concluded' } };
  assert.is(await licensed('cyclonedx-json', json([concluded, { license: { id: 'Zlib', acknowledgement: 'declared' } }])), 'Zlib');
  assert.is(await licensed('cyclonedx-json', json([concluded, { license: { name: 'Zlib' } }])), 'Zlib');
  assert.is(await licensed('cyclonedx-json', json([concluded])), 'ISC');
  assert.is(await licensed('cyclonedx-json', json([{ expression: 'ISC OR Zlib', acknowledgement: 'concluded' }])), 'ISC OR Zlib');
  assert.is(await licensed('cyclonedx-xml', xml('<license acknowledgement="concluded"><id>ISC</id></license><license acknowledgement="declared"><id>Zlib</id></license>')), 'Zlib');
  assert.is(await licensed('cyclonedx-xml', xml('<license acknowledgement="concluded"><id>ISC</id></license><license><name>Zlib</name></license>')), 'Zlib');
  assert.is(await licensed('cyclonedx-xml', xml('<expression acknowledgement="concluded">ISC OR Zlib</expression>')), 'ISC OR Zlib');
});

const json = suite('hostile JSON');
const cdx = (more: Record<string, unknown>): string => JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', ...more });
json('cycles, references to nothing and to oneself, and edges stated twice end', async () => {
  const inventory = await read('cyclonedx-json', cdx({
    metadata: { component: { 'bom-ref': 'r', name: 'r' } }, components: ['a', 'b', 'c'].map((name) => ({ 'bom-ref': name, name, version: '1', purl: `pkg:npm/${name}@1` })),
    dependencies: [{ ref: 'r', dependsOn: ['a', 'r', 'nothing'] }, { ref: 'a', dependsOn: ['b', 'b', 'a'] }, { ref: 'b', dependsOn: ['c'] }, { ref: 'c', dependsOn: ['a', 'r'] }, { ref: 'a', dependsOn: ['c'] }],
  }));
  assert.equal(inventory.components.map(({ name, direct, dependsOn }) => [name, direct, dependsOn]), [['a', true, ['pkg:npm/b@1', 'pkg:npm/c@1']], ['b', false, ['pkg:npm/c@1']], ['c', false, ['pkg:npm/a@1']]]);
  assert.equal(orderComponents(inventory.components).map(({ depth }) => depth), [1, 2, 2]);
  assert.match(inventory.warnings.join(), /1 references lead to no component: nothing/);
});
json('without package URLs, names and versions stand for them; the same ref twice is the later one', async () => {
  const { components, occurrences, warnings } = await read('cyclonedx-json', cdx({ components: [{ 'bom-ref': 'x', group: 'g', name: 'one', version: '1' }, { 'bom-ref': 'x', name: 'two' }, { name: 'one', group: 'g', version: '1' }, { version: '1' }, { name: 'bad', purl: 'pkg:/' }, { name: 'worse', purl: `pkg:npm/${'x'.repeat(5000)}` }] }));
  assert.equal(components.map(({ purl }) => purl), ['pkg:generic/g/one@1', 'pkg:generic/two', 'pkg:generic/bad', 'pkg:generic/worse']);
  assert.equal([occurrences, warnings.length], [5, 1]);
});
json('values of the wrong kind, nulls and __proto__ do no harm', async () => {
  const odd = '{"bomFormat":"CycloneDX","specVersion":"1.6","__proto__":{"polluted":1},"metadata":null,"components":[{"name":"a","version":1,"purl":5,"licenses":"MIT","hashes":{"alg":"x"},"scope":7,"__proto__":{"name":"polluted"},"constructor":{"prototype":{"polluted":1}}},{"name":null,"licenses":[null,{"license":null},{"license":{"id":4}}],"hashes":[null,{"alg":"SHA-256","content":"zz"}],"components":null},{"name":"b","licenses":[{"expression":"MIT"}],"supplier":[],"properties":[null,5]}],"dependencies":[{"ref":4,"dependsOn":["a"]},{"ref":"a","dependsOn":[1,null,{}]},{"ref":"a"}]}';
  const { components } = await read('cyclonedx-json', odd);
  assert.equal(components.map(({ name, version }) => [name, version]), [['a', ''], ['b', '']]);
  assert.not.ok('polluted' in {});
  for (const components of ['[1]', '[null]', '["a"]', '[[]]']) assert.ok(['malformed', 'read'].includes(await outcome('cyclonedx-json', `{"bomFormat":"CycloneDX","specVersion":"1.6","components":${components}}`)), components);
  for (const [members, code] of [['"specVersion":1.6', 'unsupported-version'], ['"specVersion":null', 'unsupported-version'], ['"specVersion":"1.6.0"', 'unsupported-version'], ['"specVersion":"1.6","components":{}', 'read'], ['"specVersion":"1.6","components":null', 'read'], ['"specVersion":"1.6","components":[]', 'read']]) {
    assert.is(await outcome('cyclonedx-json', `{"bomFormat":"CycloneDX",${members ?? ''}}`), code, members);
  }
  assert.is(await outcome('cyclonedx-json', '{"bomFormat":"cyclonedx","specVersion":"1.6"}'), 'malformed');
});
json('nesting, broken syntax and text behind the end are refused in words', async () => {
  let nested: unknown = { name: 'x' };
  for (let depth = 0; depth < 100; depth += 1) nested = { name: `x${depth}`, components: [nested] };
  for (const text of [cdx({ components: [nested] }), `{"a":${'['.repeat(1_000_000)}`, `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`, '', ' ', '[]', 'null', '"x"', '{', '{"a"}', '{"a":}', '{"a":1,}', '{,}', '{"a":1}{"b":2}', '{"a":1}]', "{'a':1}", '{"a":01}', '{"a":"\u0001"}', '{"components":[{]}', '{"components":[,]}', '{"components":[{}{}]}', '{"components":[{},]}']) {
    assert.is(await outcome('cyclonedx-json', text), 'malformed', text.slice(0, 30));
  }
  assert.is(await outcome('cyclonedx-json', `{"a":"${'x'.repeat(9 * 1024 * 1024)}"}`), 'too-large');
});
json('UTF-8 that is none is refused wherever it stands', async () => {
  const text = cdxJson('1.6');
  for (const at of [text.indexOf('app'), text.indexOf('"a"') + 1, text.indexOf('MIT')]) {
    const broken = Buffer.from(text);
    broken[at] = 0xff;
    assert.is(await outcome('cyclonedx-json', broken), 'encoding');
  }
  assert.equal((await read('cyclonedx-json', cdx({ components: [{ name: 'caf\u00e9\u0000\u001b[31m', version: '\u{1f600}' }] }))).components.map(({ name, version }) => [name, version]), [['caf\u00e9 [31m', '\u{1f600}']]);
});
json('64 MiB are read in pieces, within seconds and in memory that does not grow with them', async () => {
  const element = Buffer.from(`${JSON.stringify({ name: 'same', version: '1', purl: 'pkg:npm/same@1', description: 'x'.repeat(900) })},`);
  const count = Math.ceil((64 * 1024 * 1024) / element.length);
  async function* large(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[');
    for (let index = 0; index < count; index += 1) yield element;
    yield Buffer.from('{"name":"last"}]}');
    await Promise.resolve();
  }
  const [cpu, before] = [process.cpuUsage(), process.memoryUsage().rss];
  const { components, occurrences } = await readSbom('cyclonedx-json', large());
  assert.equal([components.length, occurrences], [2, count + 1]);
  assert.ok(process.cpuUsage(cpu).user < 10_000_000, `${process.cpuUsage(cpu).user} us`);
  assert.ok(process.memoryUsage().rss - before < 300 * 1024 * 1024, `${process.memoryUsage().rss - before} bytes more`);
});
json('more components or edges than the limits are too large', async () => {
  const limits = { components: 3, edges: 3 };
  const four = ['a', 'b', 'c', 'd'].map((name) => ({ name, 'bom-ref': name }));
  for (const document of [cdx({ components: four }), cdx({ components: four.slice(2), dependencies: [{ ref: 'a', dependsOn: ['a', 'b', 'c', 'd'] }] })]) {
    const error = await readSbom('cyclonedx-json', chunks(bytes(document), 10), limits).catch((reason: unknown) => reason);
    assert.ok(error instanceof SbomError && error.code === 'too-large');
  }
  const error = await readSbom('spdx-json', chunks(bytes(`{"packages":[${'{},'.repeat(5)}{}`), 10), limits).catch((reason: unknown) => reason); // before its end is seen
  assert.ok(error instanceof SbomError && error.code === 'too-large', String(error));
  assert.is(await outcome('cyclonedx-json', `{${Array.from({ length: 1001 }, (_, index) => `"m${index}":1`).join()}}`), 'too-large');
});

const xml = suite('hostile XML');
xml('DTDs are refused: no entity is ever expanded, of the document or of a file', async () => {
  const lol = `<!DOCTYPE bom [<!ENTITY a "ha">${['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((name, index) => `<!ENTITY ${name} "${`&${'abcdefghi'[index] ?? ''};`.repeat(10)}">`).join('')}]>`;
  for (const dtd of [lol, '<!DOCTYPE bom SYSTEM "file:///etc/passwd">', '<!DOCTYPE bom [<!ENTITY x SYSTEM "http://169.254.169.254/">]>', '<!DOCTYPE bom>']) {
    const error = await read('cyclonedx-xml', cdxXml('1.6', dtd).replace('<name>app</name>', '<name>&i;&x;</name>')).catch((reason: unknown) => reason);
    assert.ok(error instanceof SbomError && /DTD/.test(error.message), String(error));
  }
  assert.is(await outcome('cyclonedx-xml', cdxXml('1.6').replace('<name>app</name>', '<name>&unknown;</name>')), 'malformed');
});
xml('nesting, long texts, broken syntax and other vocabularies are refused in words', async () => {
  const body = (inner: string): string => `<bom xmlns="http://cyclonedx.org/schema/bom/1.6">${inner}</bom>`;
  for (const text of [body('<a>'.repeat(300) + '</a>'.repeat(300)), '<bom xmlns="http://other/"/>', '<bom/>', '<html/>', '', 'x', body('<a></b>'), body('<a b=c/>'), body('') + body(''), body('<a b="1" b="2"/>'), body('<x:y/>')]) {
    assert.is(await outcome('cyclonedx-xml', text), 'malformed', text.slice(0, 60));
  }
  assert.is(await outcome('cyclonedx-xml', body(`<components><component><name>${'x'.repeat(2 * 1024 * 1024)}</name></component></components>`)), 'too-large');
});
xml('an XML declaration of another encoding does not make it one', async () => {
  const text = cdxXml('1.6', '<?xml version="1.0" encoding="ISO-8859-1"?>').replace('app', 'h\u00e9');
  assert.is(await outcome('cyclonedx-xml', Buffer.from(text, 'latin1')), 'encoding');
});

const spdx = suite('hostile SPDX');
spdx('cycles, missing ids and odd relationships do no harm', async () => {
  const text = JSON.stringify({ spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', packages: [{ name: 'a', SPDXID: 'A' }, { name: 'b', SPDXID: 'B' }, { name: 'c' }, { SPDXID: 'D' }, { name: 5, versionInfo: null, externalRefs: 'x', checksums: [null] }], relationships: [{ spdxElementId: 'A', relationshipType: 'DEPENDS_ON', relatedSpdxElement: 'B' }, { spdxElementId: 'B', relationshipType: 'DEPENDS_ON', relatedSpdxElement: 'A' }, { spdxElementId: null }, {}, { spdxElementId: 'X', relationshipType: '__proto__', relatedSpdxElement: 'A' }] });
  const { components } = await read('spdx-json', text);
  assert.equal(components.map(({ name, dependsOn }) => [name, dependsOn.length]), [['a', 1], ['b', 1], ['c', 0]]);
  assert.is(await outcome('spdx-json', '{"spdxVersion":"SPDX-2.3","packages":[5]}'), 'malformed');
});
spdx('tag-value: unclosed texts, lines without a tag and endless lines are refused', async () => {
  const head = 'SPDXVersion: SPDX-2.3\nPackageName: a\n';
  assert.is(await outcome('spdx-tv', `${head}PackageComment: <text>never closed\n`), 'malformed');
  assert.is(await outcome('spdx-tv', `${head}no tag\n`), 'malformed');
  assert.is(await outcome('spdx-tv', `${head}X: ${'x'.repeat(2 * 1024 * 1024)}`), 'too-large');
  assert.is(await outcome('spdx-tv', `${head}X: <text>${'y\n'.repeat(200_000)}`), 'too-large');
  assert.is(await outcome('spdx-tv', 'PackageName: a\n'), 'unsupported-version');
});
