/** Packages of Linux distributions: matched in the release they are installed on, by their source package, as tools write both; and rows that older code stored. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { rekey } from '../../src/domain/advisories/rekey.ts';
import { importFiles } from '../support/advisories.ts';
import { itemsOf, member } from '../support/contract.ts';
import { sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();
const { db } = database;
const record = (id: string, ecosystem: string, name: string, fixed: string): object => ({
  id, modified: '2024-01-01T00:00:00Z', affected: [{ package: { ecosystem, name }, ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed }] }] }],
});
await importFiles(portal.services,
  record('DEBIAN-A', 'Debian:12', 'openssl', '3.0.11-1~deb12u2'), record('DEBIAN-B', 'Debian:11', 'openssl', '1.1.1w-0+deb11u1'), record('DEBIAN-C', 'Debian:12', 'libssl3', '9'),
  record('ALPINE-A', 'Alpine:v3.19', 'openssl', '3.1.4-r3'), record('RHSA-A', 'Red Hat:enterprise_linux:9::baseos', 'NetworkManager', '1:1.42.2-3.el9'),
  record('RLSA-A', 'Rocky Linux:9', 'perl', '0:5.32.1-481.el9'), record('UBUNTU-A', 'Ubuntu:22.04:LTS', 'openssl', '3.0.2-0ubuntu1.10'));

interface Part { type?: string; name?: string; version?: string; purl?: string; properties?: Record<string, string> }
const bom = (...parts: Part[]): string => JSON.stringify({
  bomFormat: 'CycloneDX', specVersion: '1.5', components: parts.map(({ type = 'library', name = 'x', properties = {}, ...part }) => ({
    type, name, ...part, properties: Object.entries(properties).map(([key, value]) => ({ name: `aquasecurity:trivy:${key}`, value })),
  })),
});
async function findingsOf(project: string): Promise<string[]> {
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project }, query: { sort: 'cve_id' } });
  return itemsOf(body).map((one) => `${String(one['cve_id'])} ${String(one['component_name'])} ${String(one['component_version'])} ${String(one['status'])} < ${String(one['fixed_version'])}`);
}
async function scan(document: string): Promise<string[]> {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(document));
  return findingsOf(project);
}

const match = suite('packages of distributions');
match('syft: the source package is a qualifier; other releases and the binary name do not count', async () => {
  assert.equal(await scan(bom({ purl: 'pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&upstream=openssl&distro=debian-12' })), ['DEBIAN-A libssl3 3.0.9-1 new < 3.0.11-1~deb12u2']);
  assert.equal(await scan(bom({ purl: 'pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&upstream=openssl&distro=debian-12' })), []);
  assert.equal(await scan(bom({ purl: 'pkg:deb/debian/libssl1.1@1.1.1n-0?arch=amd64&upstream=openssl&distro=debian-11' })), ['DEBIAN-B libssl1.1 1.1.1n-0 new < 1.1.1w-0+deb11u1']);
});
match('without a release nothing matches, rather than all', async () => {
  assert.equal(await scan(bom({ purl: 'pkg:deb/debian/openssl@1.0.0-1' })), []);
  assert.equal(await scan(bom({ purl: 'pkg:deb/debian/openssl@1.0.0-1' }, { type: 'operating-system', name: 'ubuntu', version: '22.04' })), [], 'an operating system of another vendor');
});
match('trivy: the source package stands in properties, the release in the operating system where the package URL has none', async () => {
  const properties = { SrcName: 'openssl', SrcVersion: '3.0.9', SrcRelease: '1' };
  assert.equal(await scan(bom({ purl: 'pkg:deb/debian/libssl3@3.0.9-1?distro=debian-12.4', properties })), ['DEBIAN-A libssl3 3.0.9-1 new < 3.0.11-1~deb12u2']);
  assert.equal(await scan(bom({ purl: 'pkg:deb/debian/libssl3@3.0.9-1', properties }, { type: 'operating-system', name: 'debian', version: '12.4' })), ['DEBIAN-A libssl3 3.0.9-1 new < 3.0.11-1~deb12u2']);
  assert.equal(await scan(bom({ purl: 'pkg:apk/alpine/libcrypto3@3.1.4-r2?distro=3.19.0', properties: { SrcName: 'openssl', SrcVersion: '3.1.4-r2' } })), ['ALPINE-A libcrypto3 3.1.4-r2 new < 3.1.4-r3']);
});
match('RPM: the epoch counts, the case of names does not, and they are shown as they were written', async () => {
  assert.equal(await scan(bom({ purl: 'pkg:rpm/redhat/NetworkManager@1.42.2-1.el9?distro=redhat-9.2&epoch=1' })), ['RHSA-A NetworkManager 1.42.2-1.el9 new < 1:1.42.2-3.el9']);
  assert.equal(await scan(bom({ purl: 'pkg:rpm/redhat/NetworkManager@1.42.2-1.el9?distro=redhat-9.2&epoch=2' })), []);
  const perl = { SrcName: 'perl', SrcVersion: '5.32.1', SrcRelease: '480.el9', SrcEpoch: '0' };
  assert.equal(await scan(bom({ purl: 'pkg:rpm/rocky/perl-Errno@1.30-480.el9?distro=rocky-9.1', properties: perl })), ['RLSA-A perl-Errno 1.30-480.el9 new < 0:5.32.1-481.el9']);
});
match('CycloneDX XML and SPDX say the same in their words', async () => {
  const xml = `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1"><components><component type="library"><name>libssl3</name>
    <purl>pkg:deb/debian/libssl3@3.0.9-1?distro=debian-12</purl><properties><property name="aquasecurity:trivy:SrcName">openssl</property></properties></component></components></bom>`;
  assert.equal(await scan(xml), ['DEBIAN-A libssl3 3.0.9-1 new < 3.0.11-1~deb12u2']);
  const spdx = { spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', packages: [{
    SPDXID: 'SPDXRef-1', name: 'libssl3', versionInfo: '3.0.2-0ubuntu1.1', sourceInfo: 'built package from: openssl 3.0.2-0ubuntu1.1',
    externalRefs: [{ referenceType: 'purl', referenceLocator: 'pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1.1?distro=ubuntu-22.04' }],
  }] };
  assert.equal(await scan(JSON.stringify(spdx)), ['UBUNTU-A libssl3 3.0.2-0ubuntu1.1 new < 3.0.2-0ubuntu1.10']);
});
match('a later document that knows the source package moves the component: its finding follows', async () => {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(bom({ purl: 'pkg:deb/debian/libssl-dev@3.0.9-1?distro=debian-12' })));
  assert.equal(await findingsOf(project), []);
  await scanToEnd(admin, project, sbomForm(bom({ purl: 'pkg:deb/debian/libssl-dev@3.0.9-1?distro=debian-12', properties: { SrcName: 'openssl' } })));
  assert.equal(await findingsOf(project), ['DEBIAN-A libssl-dev 3.0.9-1 new < 3.0.11-1~deb12u2']);
});
match('an advisory that comes after the scan finds them too, and an upgrade is named that clears all', async () => {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(bom({ purl: 'pkg:deb/debian/zlib1g@1.2.13-1?upstream=zlib%401%3A1.2.13.dfsg-1&distro=debian-12' })));
  await importFiles(portal.services, record('DEBIAN-D', 'Debian:12', 'zlib', '1:1.2.13.dfsg-2'), record('DEBIAN-E', 'Debian:12', 'zlib', '1:1.2.13.dfsg-5'));
  assert.is((await findingsOf(project)).length, 2);
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project } });
  const detail = await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: String(member(body, 'items', 0, 'id')) } });
  assert.is(member(detail.body, 'upgrade_recommendation', 'recommended_version'), '1:1.2.13.dfsg-5');
  assert.is(member(detail.body, 'affected', 0, 'contains'), true);
});

const weak = suite('unreviewed records that only name a Go module');
weak('yield to other records of the vulnerability that speak of it, and count where there are none', async () => {
  const go = (id: string, name: string, events: object[], more: object = {}): object => ({ id, modified: '2024-01-01T00:00:00Z', ...more, affected: [{ package: { ecosystem: 'Go', name }, ranges: [{ type: 'SEMVER', events }] }] });
  const unreviewed = { database_specific: { review_status: 'UNREVIEWED' } };
  await importFiles(portal.services,
    go('GO-2024-1', 'example.com/known', [{ introduced: '0' }], { ...unreviewed, aliases: ['GHSA-known'] }), go('GHSA-known', 'example.com/known', [{ introduced: '0' }, { fixed: '1.5.0' }]),
    go('GO-2024-2', 'example.com/lone', [{ introduced: '0' }], unreviewed));
  assert.equal(await scan(bom({ purl: 'pkg:golang/example.com/known@v1.4.0' }, { purl: 'pkg:golang/example.com/lone@v9.0.0' })), ['GHSA-known known v1.4.0 new < 1.5.0', 'GO-2024-2 lone v9.0.0 new < null']);
  assert.equal(await scan(bom({ purl: 'pkg:golang/example.com/known@v1.6.0' })), []);
});

const rename = suite('RPMs that were stored in lower case');
rename('keep their id, finding and triage under the name as it is written', async () => {
  const [lower, written] = ['pkg:rpm/redhat/networkmanager@1.42.2-1.el9?distro=redhat-9.2&epoch=1', 'pkg:rpm/redhat/NetworkManager@1.42.2-1.el9?distro=redhat-9.2&epoch=1'];
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(bom({ purl: lower })));
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project } });
  const id = String(member(body, 'items', 0, 'id'));
  await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: id }, headers: { 'If-Match': '"1"' }, json: { status: 'analyzing' } });
  await scanToEnd(admin, project, sbomForm(bom({ purl: written })));
  assert.equal(await findingsOf(project), ['RHSA-A NetworkManager 1.42.2-1.el9 analyzing < 1:1.42.2-3.el9']);
  const after = await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: id } });
  assert.equal([member(after.body, 'id'), member(after.body, 'purl')], [id, written]);
});

const again = suite('rekey-versions');
/** As a release before distributions stored it: one identity a package, and a key by another order. */
async function age(purl: string): Promise<void> {
  await sql`
    WITH former AS (
      INSERT INTO package_versions (package_id, version, version_key, matched_at) SELECT DISTINCT pv.package_id, pv.version, '\\x01'::bytea, now() FROM components c JOIN package_versions pv ON pv.id = c.package_version_id WHERE c.purl = ${purl}
      ON CONFLICT ON CONSTRAINT package_versions_identity DO UPDATE SET version_key = excluded.version_key, key_revision = 0 RETURNING id
    ), moved AS (
      UPDATE components c SET package_version_id = former.id FROM former WHERE c.purl = ${purl} RETURNING c.id, c.package_version_id
    )
    UPDATE scan_components sc SET package_version_id = m.package_version_id FROM moved m WHERE m.id = sc.component_id`.execute(db);
  await sql`DELETE FROM matches m USING components c WHERE c.purl = ${purl} AND m.package_version_id = c.package_version_id`.execute(db);
  await sql`DELETE FROM findings f USING components c WHERE c.purl = ${purl} AND f.component_id = c.id`.execute(db);
}
again('components of older releases get their identity, key, matches and findings; run twice at once, it does the work once', async () => {
  const [deb, npm] = ['pkg:deb/debian/libssl3@3.0.8-1?distro=debian-12&upstream=openssl', 'pkg:npm/rekeyed@1.0.0'];
  await importFiles(portal.services, record('GHSA-rekeyed', 'npm', 'rekeyed', '2.0.0'));
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(bom({ purl: deb }, { purl: npm })));
  const before = await findingsOf(project);
  assert.is(before.length, 2);
  for (const purl of [deb, npm]) await age(purl);
  assert.equal(await findingsOf(project), []);
  const { signal } = new AbortController();
  const seen = await Promise.all([rekey(portal.services, signal), rekey(portal.services, signal)]);
  assert.is(seen[0] + seen[1], 2, 'each of the two stale rows once');
  assert.equal(await findingsOf(project), before);
  const { rows } = await sql<{ same: boolean }>`SELECT sc.package_version_id = c.package_version_id AS same FROM scan_components sc JOIN components c ON c.id = sc.component_id WHERE c.purl = ${deb}`.execute(db);
  assert.equal(rows, [{ same: true }]);
  assert.is(await rekey(portal.services, signal), 0);
});
again('ranges of older releases get new keys, with the versions of their packages', async () => {
  const purl = 'pkg:npm/rekeyed@1.2.0';
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(bom({ purl })));
  const before = await findingsOf(project);
  assert.is(before.length, 1);
  await sql`UPDATE advisory_ranges SET fixed_key = '\\x00'::bytea, key_revision = 0 WHERE match_name = 'rekeyed'`.execute(db);
  await sql`DELETE FROM matches m USING components c WHERE c.purl = ${purl} AND m.package_version_id = c.package_version_id`.execute(db);
  await sql`DELETE FROM findings WHERE project_id = ${project}`.execute(db);
  assert.is(await rekey(portal.services, new AbortController().signal), 1);
  assert.equal(await findingsOf(project), before);
});
again('one that is stopped goes on where it was', async () => {
  const purl = 'pkg:npm/rekeyed@1.1.0';
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(bom({ purl })));
  await age(purl);
  assert.is(await rekey(portal.services, AbortSignal.abort()), 0);
  assert.is(await rekey(portal.services, new AbortController().signal), 1);
  assert.equal(await findingsOf(project), ['GHSA-rekeyed rekeyed 1.1.0 new < 2.0.0']);
});
