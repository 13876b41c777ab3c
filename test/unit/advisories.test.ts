/** OSV records to intervals, advisories to vulnerabilities, files to records. */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { judgeCvss } from '../../src/advisories/cvss.ts';
import { covers } from '../../src/advisories/osv-ranges.ts';
import { readOsv, type Advisory } from '../../src/advisories/osv.ts';
import { versionKey } from '../../src/advisories/versions/index.ts';
import { groupAdvisories, type NamedAdvisory } from '../../src/domain/advisories/group.ts';
import { mergeFacts } from '../../src/domain/advisories/merge.ts';
import { suite } from '../support/suite.ts';
import { zipOf, type ZipEntry } from '../support/zip.ts';
import { readSource } from '../support/advisories.ts';

const record = (affected: object, more: object = {}): unknown => ({ id: 'TEST-1', modified: '2024-01-01T00:00:00Z', affected: [affected], ...more });
const npm = (events: readonly object[], versions: readonly string[] = []): object => ({ package: { ecosystem: 'npm', name: 'x' }, ranges: [{ type: 'SEMVER', events }], versions });
const affects = (advisory: Advisory, version: string): boolean => {
  const key = versionKey('npm', version);
  return advisory.ranges.some((range) => (key !== null && covers(range, key)) || range.exact.includes(version));
};
const affectedOf = (events: readonly object[], versions: readonly string[], candidates: readonly string[]): string[] => {
  const advisory = readOsv(record(npm(events, versions)));
  return candidates.filter((version) => affects(advisory, version));
};

const osv = suite('readOsv');
osv('from the first version to the fix, which is not affected', () => {
  assert.equal(affectedOf([{ introduced: '0' }, { fixed: '1.2.0' }], [], ['0.0.0-alpha', '1.1.9', '1.2.0-rc.1', '1.2.0', '2.0.0']), ['0.0.0-alpha', '1.1.9', '1.2.0-rc.1']);
});
osv('the last affected version is affected', () => assert.equal(affectedOf([{ introduced: '1.0.0' }, { last_affected: '1.2.0' }], [], ['0.9.0', '1.0.0', '1.2.0', '1.2.1']), ['1.0.0', '1.2.0']));
osv('without an end it never ends', () => assert.equal(affectedOf([{ introduced: '1.0.0' }], [], ['0.9.0', '99.0.0']), ['99.0.0']));
osv('a limit ends it without being a fix', () => {
  const [range] = readOsv(record(npm([{ introduced: '0' }, { limit: '2.0.0' }]))).ranges;
  assert.equal([range?.fixed, range?.fixedKey?.equals(versionKey('npm', '2.0.0') ?? Buffer.alloc(0))], [null, true]);
});
osv('nothing is said from the highest limit on, and `*` is none', () => {
  assert.equal(affectedOf([{ introduced: '0' }, { fixed: '1.2.0' }, { introduced: '1.5.0' }, { limit: '1.8.0' }, { limit: '1.6.0' }], [], ['1.1.0', '1.3.0', '1.5.0', '1.7.0', '1.8.0']), ['1.1.0', '1.5.0', '1.7.0']);
  assert.equal(affectedOf([{ introduced: '2.0.0' }, { limit: '1.0.0' }], [], ['1.0.0', '2.0.0']), []);
  assert.equal(affectedOf([{ introduced: '1.0.0' }, { limit: '*' }], [], ['0.9.0', '2.0.0']), ['2.0.0']);
});
osv('several branches, in any order of events', () => {
  const events = [{ introduced: '2.0.0' }, { fixed: '2.0.5' }, { fixed: '1.4.2' }, { introduced: '0' }];
  assert.equal(affectedOf(events, [], ['1.4.1', '1.4.2', '1.9.0', '2.0.0', '2.0.4', '2.0.5']), ['1.4.1', '2.0.0', '2.0.4']);
});
osv('a fix and a new introduction at one version: it is affected', () => assert.equal(affectedOf([{ introduced: '0' }, { fixed: '2.0.0' }, { introduced: '2.0.0' }, { fixed: '3.0.0' }], [], ['1.0.0', '2.0.0', '3.0.0']), ['1.0.0', '2.0.0']));
osv('listed versions count beside ranges, also ones that are no versions', () => {
  assert.equal(affectedOf([{ introduced: '1.0.0' }, { fixed: '1.1.0' }], ['1.0.5', '3.0.0', 'weird'], ['1.0.5', '2.0.0', '3.0.0', 'weird', 'other']), ['1.0.5', '3.0.0', 'weird']);
});
osv('a bound that is no version spoils its range only, and is told', () => {
  const advisory = readOsv(record(npm([{ introduced: '0' }, { fixed: 'soon' }], ['1.0.0'])));
  assert.equal([affects(advisory, '1.0.0'), affects(advisory, '1.0.1'), advisory.faults], [true, false, ["npm x: 'soon' is no version of npm"]]);
});
osv('commits are passed over and told, and ecosystems without an order keep their lists', () => {
  const git = readOsv(record({ package: { ecosystem: 'npm', name: 'x' }, ranges: [{ type: 'GIT', events: [{ introduced: '0' }, { fixed: 'abc' }] }] }));
  assert.equal([git.ranges.length, git.faults], [0, ['npm x: names commits only, by which nothing is matched']]);
  const android = readOsv(record({ package: { ecosystem: 'Android', name: 'x' }, ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }] }], versions: ['12'] }));
  assert.equal(android.ranges.map((range) => range.exact), [['12']]);
});
osv('a release of a distribution has the order of its distribution, and streams of one release are one', () => {
  const of = (ecosystem: string, fixed: string): unknown => readOsv(record({ package: { ecosystem, name: 'X' }, ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed }] }] })).ranges.map((range) => [range.ecosystem, range.matchName, range.fixedKey?.equals(versionKey(ecosystem, fixed) ?? Buffer.alloc(0))]);
  assert.equal(of('Debian:12', '1.0~rc1-1+deb12u1'), [['Debian:12', 'X', true]]);
  assert.equal(of('Red Hat:enterprise_linux:9::appstream', '0:1.0-1.el9'), [['Red Hat:enterprise_linux:9', 'x', true]]);
});
osv('Go: custom ranges end what the ranges proper leave open, and begin what they say nothing of', () => {
  const go = (events: readonly object[], custom: readonly object[], candidates: readonly string[]): string[] => {
    const { ranges } = readOsv(record({ package: { ecosystem: 'Go', name: 'x' }, ranges: [{ type: 'SEMVER', events }], ecosystem_specific: { custom_ranges: [{ type: 'ECOSYSTEM', events: custom }] } }));
    return candidates.filter((version) => ranges.some((range) => covers(range, versionKey('Go', version) ?? Buffer.alloc(0))));
  };
  const versions = ['1.0.0', '1.5.0', '2.1.0', '2.5.0', '3.0.0'];
  assert.equal(go([{ introduced: '0' }], [{ introduced: '2.0.0' }, { fixed: '2.5.0' }], versions), ['2.1.0']);
  assert.equal(go([{ introduced: '0' }], [{ introduced: '0' }, { fixed: '2.5.0' }], versions), ['1.0.0', '1.5.0', '2.1.0']);
  assert.equal(go([{ introduced: '1.2.0' }], [{ fixed: '2.0.0' }, { introduced: '2.5.0' }, { fixed: '3.0.0' }], versions), ['1.5.0', '2.5.0'], 'the fix of an interval that begins in the ranges proper');
  assert.equal(go([{ introduced: '0' }, { fixed: '1.5.0' }], [{ introduced: '2.1.0' }, { fixed: '2.5.0' }], versions), ['1.0.0', '2.1.0'], 'ranges that end stay');
  assert.equal(go([{ introduced: '0' }, { fixed: '1.5.0' }], [{ introduced: '1.0.0' }], versions), ['1.0.0'], 'a fix that is stated is not taken back');
  assert.equal(go([{ introduced: '0' }, { fixed: '1.5.0' }], [{ introduced: '0' }, { fixed: '2.5.0' }, { introduced: '2.5.0' }, { fixed: '3.0.0' }], versions), ['1.0.0', '2.5.0'], 'nor by one that counts in another way');
  assert.equal(go([{ introduced: '2.0.0' }, { last_affected: '2.5.0' }], [{ introduced: '0' }, { fixed: '1.5.0' }, { introduced: '2.5.0' }, { fixed: '3.0.0' }], versions), ['1.0.0', '2.1.0', '2.5.0'], 'the last affected version belongs to a range');
  assert.equal(go([{ introduced: '0' }], [{ introduced: '0' }, { fixed: 'v-next' }], versions), versions, 'custom ranges that cannot be read change nothing');
});
osv('severity in words where there is no vector: the worst of what the record and its packages say', () => {
  const severity = (more: object, affected: object = {}): string => readOsv(record({ ...npm([{ introduced: '0' }]), ...affected }, more)).facts.severity;
  assert.is(severity({ database_specific: { severity: 'MODERATE' } }), 'medium');
  assert.is(severity({ severity: [{ type: 'Ubuntu', score: 'negligible' }] }), 'info');
  assert.is(severity({}, { ecosystem_specific: { urgency: 'unimportant' } }), 'info');
  assert.is(severity({ database_specific: { severity: 'LOW' } }, { database_specific: { severity: 'Important' } }), 'high');
  assert.is(severity({ severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }], database_specific: { severity: 'LOW' } }), 'critical');
  assert.is(severity({}, { ecosystem_specific: { urgency: 'not yet assigned' } }), 'unknown');
});
osv('a withdrawn record affects nothing', () => assert.is(readOsv(record(npm([{ introduced: '0' }]), { withdrawn: '2024-02-01T00:00:00Z' })).ranges.length, 0));
osv('severity comes from vectors, else from words, else it is unknown', () => {
  const severity = (more: object): unknown[] => {
    const { facts } = readOsv(record(npm([]), more));
    return [facts.severity, facts.cvss_score];
  };
  assert.equal(severity({ severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }] }), ['critical', 9.8]);
  assert.equal(severity({ database_specific: { severity: 'MODERATE' } }), ['medium', null]);
  assert.equal(severity({ severity: [{ type: 'CVSS_V3', score: 'garbage' }] }), ['unknown', null]);
});
osv('what is no record is refused with the reason', () => {
  for (const [bad, reason] of [[null, 'is not an object'], [[], 'has no id'], [{ id: '' }, 'has no id'], [{ id: 'a b' }, 'has no id']] as const) {
    assert.throws(() => readOsv(bad), (error: unknown) => error instanceof Error && error.message === reason);
  }
});
osv('hostile texts are cut and cleaned', () => {
  const { facts, names } = readOsv(record(npm([]), { summary: `a\u0000b${'c'.repeat(5000)}`, aliases: ['CVE-2024-1\u0000', 7, null], references: [{ url: 'javascript:alert(1)' }, { type: 'WEB', url: 'https://example.com' }] }));
  assert.equal([facts.summary?.length, facts.summary?.slice(0, 3), names, facts.references], [1000, 'abc', ['TEST-1', 'CVE-2024-1'], [{ type: 'WEB', url: 'https://example.com' }]]);
});

const scores = suite('judgeCvss');
scores('the newest CVSS version wins, then the highest score', () => {
  const v2 = 'AV:N/AC:L/Au:N/C:C/I:C/A:C';
  const v31 = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H';
  const v4 = 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N';
  assert.equal([judgeCvss([v2])?.score, judgeCvss([v2, v31])?.severity, judgeCvss([v31, v4, v2])?.score], [10, 'high', 9.3]);
  assert.equal(judgeCvss([v31, 'CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N'])?.score, 7.5);
  assert.is(judgeCvss(['CVSS:3.1/AV:N', '', 'x'.repeat(1000)]), null);
});

const advisory = (id: string, ...aliases: string[]): NamedAdvisory => ({ id, names: [id, ...aliases], withdrawn: false });
const shape = (advisories: readonly NamedAdvisory[]): string[] => groupAdvisories(advisories).map((group) => `${group.externalId}: ${group.advisoryIds.join(' ')}`).sort();
const groups = suite('groupAdvisories');
groups('advisories that share a name, directly or through others, are one vulnerability', () => {
  assert.equal(shape([advisory('GHSA-a', 'CVE-2024-1'), advisory('PYSEC-1', 'GHSA-a'), advisory('GO-1', 'CVE-2024-1'), advisory('PYSEC-2')]), ['CVE-2024-1: GHSA-a GO-1 PYSEC-1', 'PYSEC-2: PYSEC-2']);
});
groups('CVE ids are compared as numbers, GHSA ids come before others', () => {
  assert.is(groupAdvisories([advisory('GHSA-a', 'CVE-2024-10000', 'CVE-2024-9999', 'CVE-2023-99999')])[0]?.externalId, 'CVE-2023-99999');
  assert.is(groupAdvisories([advisory('ANY-1', 'GHSA-a')])[0]?.externalId, 'GHSA-a');
});
groups('withdrawn advisories join no two others, and no name is in two groups', () => {
  const duplicate: NamedAdvisory = { id: 'GHSA-dup', names: ['GHSA-dup', 'CVE-1-1', 'CVE-2-2'], withdrawn: true };
  const all = groupAdvisories([advisory('GHSA-a', 'CVE-1-1'), advisory('GHSA-b', 'CVE-2-2'), duplicate, { ...advisory('OLD-1', 'CVE-3-3'), withdrawn: true }, { ...advisory('OLD-2', 'CVE-3-3'), withdrawn: true }]);
  assert.equal(all.map((group) => group.advisoryIds).sort(), [['GHSA-a', 'GHSA-dup'], ['GHSA-b'], ['OLD-1', 'OLD-2']]);
  const names = all.flatMap((group) => [group.externalId, ...group.aliases]);
  assert.is(new Set(names).size, names.length);
});
groups('two CVE ids are one only where one record names both; what hangs between goes to the first', () => {
  const between = [advisory('GHSA-a', 'CVE-1-1'), advisory('GHSA-b', 'CVE-2-2'), advisory('X-1', 'GHSA-b', 'GHSA-a')];
  assert.equal(shape(between), ['CVE-1-1: GHSA-a', 'CVE-2-2: GHSA-b X-1']);
  assert.equal(shape(between.toReversed()), shape(between));
  assert.equal(shape([...between, advisory('Y-1', 'CVE-1-1', 'CVE-2-2')]), ['CVE-1-1: GHSA-a GHSA-b X-1 Y-1']);
});
groups('a bulletin joins nothing', () => {
  const cves = Array.from({ length: 6 }, (_, index) => `CVE-1-${index + 1}`);
  assert.equal(shape([advisory('B-1', ...cves), advisory('GHSA-a', 'CVE-1-1'), advisory('GHSA-b', 'CVE-1-2')]), ['B-1: B-1', 'CVE-1-1: GHSA-a', 'CVE-1-2: GHSA-b']);
});
groups('ten thousand advisories in one chain take no time and no stack', () => {
  const chain = Array.from({ length: 10_000 }, (_, index) => advisory(`X-${index}`, `X-${index + 1}`));
  assert.is(groupAdvisories(chain).length, 1);
});

const merging = suite('mergeFacts');
merging('reviewed words and scores come first, references and weaknesses from all', () => {
  const facts = (more: object) => ({ ...readOsv(record(npm([]), more)).facts });
  const merged = mergeFacts([
    { id: 'GO-1', facts: facts({ summary: 'go', references: [{ type: 'FIX', url: 'https://example.com/fix' }], published: '2024-01-01T00:00:00Z' }) },
    { id: 'GHSA-1', facts: facts({ summary: 'github', database_specific: { severity: 'HIGH', cwe_ids: ['CWE-79'] }, published: '2024-02-01T00:00:00Z' }) },
    { id: 'GHSA-0', facts: facts({ summary: 'withdrawn', withdrawn: '2024-03-01T00:00:00Z' }) },
  ]);
  assert.equal([merged.summary, merged.severity, merged.cwes, merged.references.length, merged.published, merged.withdrawn], ['github', 'high', ['CWE-79'], 1, '2024-01-01T00:00:00.000Z', null]);
});

const reading = suite('readSource');
async function read(files: Readonly<Record<string, string | Uint8Array>>): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-osv-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), content);
    }
    const items: string[] = [];
    for await (const item of readSource(folder)) items.push('entries' in item ? `${item.kind} ${item.origin} ${item.entries.length}` : `${item.kind} ${item.origin}`);
    return items;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
reading('knows records, the catalogue and scores, packed or not, and goes on after a fault', async () => {
  const kev = JSON.stringify({ catalogVersion: '1', vulnerabilities: [{ cveID: 'CVE-2021-44228', dateAdded: '2021-12-10', dueDate: '2021-12-24' }, { cveID: 'nonsense' }] });
  assert.equal(
    await read({ 'h.json': Buffer.from('\uFEFF{"id":"H"}', 'utf16le'), 'i.json': '\uFEFF{"id":"I"}', 'j.json': Buffer.from('{"id":"\u00fc"}', 'latin1'), 'k.json': '{"catalogVersion":"1","vulnerabilities":[{"cveID":"nonsense"}]}', 'l.csv': 'cve,epss,percentile\n', 'a/1.json': '{"id":"A"}', 'b.json': '{ broken', 'c.json.gz': gzipSync(kev), 'd.csv': '#model\ncve,epss,percentile\nCVE-2021-44228,0.97,0.99\nCVE-2021-1,2,3\n', 'e.csv': 'a,b\n', 'f.zip': 'no zip', 'g.json.gz': 'no gzip', 'README.md': 'x' }),
    ['osv a/1.json', 'fault b.json', 'kev c.json.gz 1', 'epss d.csv 1', 'fault e.csv', 'fault f.zip', 'fault g.json.gz', 'osv h.json', 'osv i.json', 'fault j.json', 'fault k.json', 'fault l.csv'],
  );
});
reading('of a zip, records are read and other files left; an entry that is damaged, encrypted, too large or cut is told, the others are read', async () => {
  const entry = (name: string, more: Partial<ZipEntry> = {}): ZipEntry => ({ name, content: `{"id":"${name}"}`, ...more });
  const zip = zipOf([
    entry('a.json'), entry('README.md'), entry('folder/'), entry('notes.txt'), entry('b.json', { crc: 1 }), entry('c.json', { flags: 1 }), entry('d.json', { size: 3_000_000_000 }),
    entry('e.json', { size: 5 }), entry('f.json', { extra: Buffer.from([1, 0, 2, 0, 9, 9]) }), entry('deep/er/g.JSON'), entry('h.json', { content: '' }),
  ]);
  assert.equal(await read({ 'all.zip': zip }), [
    'osv all.zip/a.json', 'fault all.zip/b.json', 'fault all.zip/c.json', 'fault all.zip/d.json', 'fault all.zip/e.json', 'osv all.zip/f.json', 'osv all.zip/deep/er/g.JSON', 'fault all.zip/h.json',
  ]);
  assert.equal(await read({ 'cut.zip': zip.subarray(0, zip.length - 40) }), ['fault cut.zip']);
  const bad = Buffer.from(zip);
  bad[40] = (bad[40] ?? 0) ^ 0xff; // in the data of the first entry
  assert.equal(await read({ 'bad.zip': bad }), [
    'fault bad.zip/a.json', 'fault bad.zip/b.json', 'fault bad.zip/c.json', 'fault bad.zip/d.json', 'fault bad.zip/e.json', 'osv bad.zip/f.json', 'osv bad.zip/deep/er/g.JSON', 'fault bad.zip/h.json',
  ]);
});
reading('dates that there are not, and scores that are none, are passed over', async () => {
  const entry = (dateAdded: unknown, dueDate: unknown): object => ({ cveID: 'CVE-2024-0001', dateAdded, dueDate });
  const items = [entry('2024-02-30', '2024-05-01'), entry('2024-13-01', ''), entry('yesterday', 1), entry('2024-02-29', '2024-02-31'), entry('2024-03-01', '2024-03-22')];
  assert.equal(await read({ 'kev.json': JSON.stringify({ catalogVersion: '1', vulnerabilities: items }), 's.csv': 'cve,epss,percentile\nCVE-2024-0001,1.1,0\nCVE-2024-0002,,0\nCVE-2024-0003,NaN,0\nGHSA-x,0.1,0.1\nCVE-2024-0004,1e-5,0.5\n' }), ['kev kev.json 2', 'epss s.csv 1']);
});
