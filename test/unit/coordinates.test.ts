/** Package URLs, as tools write them, to the ecosystems and names of OSV's records. */
import * as assert from 'uvu/assert';
import { coordinatesOf, matchEcosystem, matchName, matchVersion } from '../../src/advisories/coordinates.ts';
import { hasOrder } from '../../src/advisories/versions/index.ts';
import { parsePurl } from '../../src/core/purl.ts';
import { suite } from '../support/suite.ts';

const named = (purl: string) => {
  const { type, namespace, name, version, qualifiers, subpath } = parsePurl(purl);
  return { type, namespace: namespace ?? '', name, version: version ?? '', qualifiers, subpath };
};
/** `ecosystem name`, or null. */
function of(purl: string): string | null {
  const found = coordinatesOf(named(purl));
  return found === null ? null : `${found.ecosystem} ${found.matchName}`;
}
const version = (purl: string): string => matchVersion(named(purl));
function table(rows: Readonly<Record<string, string | null>>): void {
  for (const [purl, expected] of Object.entries(rows)) assert.is(of(purl), expected, purl);
}

const coordinates = suite('coordinatesOf');
coordinates('registries of languages', () => {
  table({
    'pkg:npm/%40babel/core@7.0.0': 'npm @babel/core', 'pkg:npm/babel/core@7.0.0': 'npm @babel/core', 'pkg:npm/JSONStream@1.0.0': 'npm JSONStream',
    'pkg:maven/org.slf4j/slf4j-api@2.0.0': 'Maven org.slf4j:slf4j-api', 'pkg:maven/org.slf4j:slf4j-api@2.0.0': 'Maven org.slf4j:slf4j-api',
    'pkg:pypi/Ruamel.YAML_clib@0.2': 'PyPI ruamel-yaml-clib', 'pkg:cargo/serde_json@1.0.0': 'crates.io serde_json', 'pkg:gem/rails@7.0.0': 'RubyGems rails',
    'pkg:composer/Symfony/Http-Kernel@6.0.0': 'Packagist symfony/http-kernel', 'pkg:nuget/Newtonsoft.Json@13.0.1': 'NuGet newtonsoft.json', 'pkg:pub/http@1.0.0': 'Pub http',
    'pkg:hex/phoenix@1.7.0': 'Hex phoenix', 'pkg:hex/acme/phoenix@1.7.0': 'Hex acme/phoenix', 'pkg:conan/openssl@3.0.0?user=bincrafters&channel=stable': 'ConanCenter openssl',
    'pkg:cran/ggplot2@3.4.0': 'CRAN ggplot2', 'pkg:hackage/aeson@2.0.0': 'Hackage aeson', 'pkg:julia/HTTP@1.0.0?uuid=cd3eb016-35fb-5094-929b-558a96fad6f3': 'Julia HTTP', 'pkg:opam/lwt@5.0.0': 'opam lwt',
    'pkg:bitnami/WordPress@6.2.0?arch=arm64&distro=debian-12': 'Bitnami wordpress', 'pkg:generic/openssl@1.0': null, 'pkg:docker/alpine@3.19': null,
  });
  assert.is.not(matchName('npm', 'JSONStream'), matchName('npm', 'jsonstream'));
});
coordinates('Go modules: any case, the standard library, the major version as a subpath', () => {
  table({
    'pkg:golang/github.com/Azure/go-autorest@v14.2.0': 'Go github.com/azure/go-autorest', 'pkg:golang/std@1.21.0': 'Go stdlib', 'pkg:golang/stdlib@1.21.0': 'Go stdlib', 'pkg:golang/toolchain@1.21.0': 'Go toolchain',
    'pkg:golang/github.com/jackc/pgx/v5@v5.4.0': 'Go github.com/jackc/pgx/v5', 'pkg:golang/github.com/jackc/pgx@v5.4.0#v5': 'Go github.com/jackc/pgx/v5', 'pkg:golang/github.com/jackc/pgx@v5.4.0#v5/pgtype': 'Go github.com/jackc/pgx/v5',
    'pkg:golang/github.com/jackc/pgx/v5@v5.4.0#v5': 'Go github.com/jackc/pgx/v5', 'pkg:golang/github.com/jackc/pgx/v5@v5.4.0#pgtype': 'Go github.com/jackc/pgx/v5', 'pkg:golang/google.golang.org/genproto#googleapis/api/annotations': 'Go google.golang.org/genproto',
    'pkg:golang/example.com/m@v1.0.0#v1': 'Go example.com/m', 'pkg:golang/example.com/m@v1.0.0#vendor2': 'Go example.com/m', 'pkg:golang/gopkg.in/yaml.v2@v2.4.0': 'Go gopkg.in/yaml.v2',
  });
  assert.is(matchName('Go', 'github.com/Azure/go-autorest'), 'github.com/azure/go-autorest');
});
coordinates('Swift packages are repositories, and actions too', () => {
  table({
    'pkg:swift/github.com/Apple/swift-nio@2.0.0': 'SwiftURL github.com/apple/swift-nio', 'pkg:github/actions/checkout@v4': 'GitHub Actions actions/checkout', 'pkg:githubactions/Actions/Checkout@v4': 'GitHub Actions actions/checkout',
    'pkg:githubactions/github/codeql-action/analyze@v2': 'GitHub Actions github/codeql-action',
  });
  for (const name of ['https://github.com/apple/swift-nio.git', 'https://github.com/apple/swift-nio', 'http://GitHub.com/apple/swift-nio/', 'git@github.com:apple/swift-nio.git', 'ssh://git@github.com/apple/swift-nio.git', 'github.com/apple/swift-nio']) {
    assert.is(matchName('SwiftURL', name), 'github.com/apple/swift-nio', name);
  }
  assert.is(matchName('SwiftURL', 'https://git.example.com:8443/a/b.git'), 'git.example.com:8443/a/b');
});
coordinates('Debian and Ubuntu: releases by number and name, source packages', () => {
  table({
    'pkg:deb/debian/curl@7.88.1?distro=debian-12': 'Debian:12 curl', 'pkg:deb/debian/curl@7.88.1?distro=debian-12.5': 'Debian:12 curl', 'pkg:deb/debian/curl@7.88.1?arch=source&distro=bookworm': 'Debian:12 curl', 'pkg:deb/debian/curl@1?distro=12': 'Debian:12 curl',
    'pkg:deb/debian/libssl3@3.0.9-1?distro=debian-12&upstream=openssl': 'Debian:12 openssl', 'pkg:deb/debian/libgcc-s1@12.2.0-14?distro=debian-12&upstream=gcc-12%4012.2.0-14': 'Debian:12 gcc-12',
    'pkg:deb/debian/curl@7.88.1': 'Debian curl', 'pkg:deb/debian/curl@7.88.1?distro=sid': 'Debian curl', 'pkg:deb/raspbian/curl@7.88.1?distro=raspbian-11': null, 'pkg:deb/debian/curl@7.88.1?distro=raspbian-11': 'Debian curl',
    'pkg:deb/ubuntu/libssl3@3.0.2?distro=ubuntu-22.04&upstream=openssl': 'Ubuntu:22.04:LTS openssl', 'pkg:deb/ubuntu/curl@1?distro=jammy': 'Ubuntu:22.04:LTS curl', 'pkg:deb/ubuntu/curl@1?distro=ubuntu-24.04.1': 'Ubuntu:24.04:LTS curl',
    'pkg:deb/ubuntu/curl@1?distro=ubuntu-23.10': 'Ubuntu:23.10 curl', 'pkg:deb/ubuntu/curl@1?distro=ubuntu-23.04': 'Ubuntu:23.04 curl', 'pkg:deb/ubuntu/curl@1?distro=ubuntu-25.04': 'Ubuntu:25.04 curl',
  });
  assert.is(version('pkg:deb/debian/libgcc-s1@12.2.0-14+b1?distro=debian-12&upstream=gcc-12%4012.2.0-14'), '12.2.0-14');
  assert.is(version('pkg:deb/debian/libssl3@3.0.9-1?distro=debian-12&upstream=openssl'), '3.0.9-1');
  assert.is(version('pkg:deb/debian/curl@7.88.1-10+b1?distro=debian-12'), '7.88.1-10', 'built again without its source');
  assert.is(version('pkg:deb/debian/zlib1g@1.2.13?distro=debian-12&epoch=1'), '1:1.2.13', 'trivy writes epochs so');
});
coordinates('Alpine, Wolfi, Chainguard and their like', () => {
  table({
    'pkg:apk/alpine/libcrypto3@3.1.4-r2?distro=alpine-3.19.1&upstream=openssl': 'Alpine:v3.19 openssl', 'pkg:apk/alpine/musl@1.2.3?distro=3.16.0': 'Alpine:v3.16 musl', 'pkg:apk/alpine/musl@1.2.3?distro=alpine-v3.19': 'Alpine:v3.19 musl',
    'pkg:apk/alpine/musl@1.2.3?distro=alpine-3.19': 'Alpine:v3.19 musl', 'pkg:apk/alpine/musl@1.2.3?distro=alpine-edge': 'Alpine:edge musl', 'pkg:apk/alpine/musl@1.2.3?distro=alpine-3.21.0_alpha20240807': 'Alpine:v3.21 musl', 'pkg:apk/alpine/musl@1.2.3': 'Alpine musl',
    'pkg:apk/wolfi/curl@8.0.0-r0?distro=wolfi-20230201': 'Wolfi curl', 'pkg:apk/chainguard/curl@8.0.0-r0?distro=chainguard-20230214': 'Chainguard curl', 'pkg:apk/minimos/curl@8.0.0-r0': 'MinimOS curl', 'pkg:apk/alpaquita/curl@8.0.0-r0?distro=alpaquita-23': 'Alpaquita:23 curl',
    'pkg:apk/openwrt/curl@8.0.0-r0': null,
  });
});
coordinates('RPM: each vendor by its releases, binary or source names, any case', () => {
  table({
    'pkg:rpm/redhat/openssl-libs@1.1.1k-6.el8?distro=rhel-8.4&upstream=openssl-1.1.1k-6.el8.src.rpm': 'Red Hat:enterprise_linux:8 openssl-libs', 'pkg:rpm/redhat/NetworkManager@1.0-1?distro=redhat-9.2': 'Red Hat:enterprise_linux:9 networkmanager',
    'pkg:rpm/almalinux/openssl-libs@3.0.7-1.el9?distro=almalinux-9.2&upstream=openssl-3.0.7-1.el9.src.rpm': 'AlmaLinux:9 openssl-libs', 'pkg:rpm/alma/bash@5-1?distro=alma-9': 'AlmaLinux:9 bash',
    'pkg:rpm/rocky/openssl-libs@3.0.7-1.el9?distro=rocky-9.1&upstream=openssl-3.0.7-1.el9.src.rpm': 'Rocky Linux:9 openssl', 'pkg:rpm/rocky-linux/kernel@4.18.0-1?distro=rocky-linux-8': 'Rocky Linux:8 kernel',
    'pkg:rpm/opensuse/libopenssl1_1@1.1.1l-1?distro=opensuse-leap-15.5&upstream=openssl-1_1-1.1.1l-1.src.rpm': 'openSUSE:Leap 15.5 openssl-1_1', 'pkg:rpm/suse/curl@8-1?distro=opensuse.leap-15.5': 'openSUSE:Leap 15.5 curl', 'pkg:rpm/opensuse/curl@8-1?distro=opensuse-tumbleweed-20240101': 'openSUSE:Tumbleweed curl',
    'pkg:rpm/suse/curl@8-1?distro=sles-15.5': 'SUSE:Linux Enterprise 15 SP5 curl', 'pkg:rpm/sles/curl@8-1?distro=sles-15-SP4': 'SUSE:Linux Enterprise 15 SP4 curl', 'pkg:rpm/suse/curl@8-1?distro=suse.linux.enterprise.server-15.4': 'SUSE:Linux Enterprise 15 SP4 curl', 'pkg:rpm/suse/curl@8-1?distro=sles-15': 'SUSE:Linux Enterprise 15 curl',
    'pkg:rpm/mageia/curl@8-1.mga9?distro=mageia-9': 'Mageia:9 curl', 'pkg:rpm/openeuler/curl@8-1?distro=openeuler-22.03-LTS-SP3': 'openEuler:22.03-LTS-SP3 curl', 'pkg:rpm/openeuler/curl@8-1?distro=openEuler-24.03': 'openEuler:24.03-LTS curl', 'pkg:rpm/photon/curl@8-1.ph3?distro=photon-3.0': 'Photon OS:3.0 curl',
    'pkg:rpm/redhat/bash@5-1': 'Red Hat bash', 'pkg:rpm/azurelinux/curl@8-1.azl3?distro=azurelinux-3.0': 'Azure Linux:3 curl', 'pkg:rpm/redhat/bash@5-1?distro=fedora-38': 'Red Hat bash', 'pkg:rpm/fedora/curl@8-1.fc38?distro=fedora-38': null,
  });
  assert.is(version('pkg:rpm/redhat/openssl-libs@1.1.1k-6.el8?distro=rhel-8.4&epoch=1'), '1:1.1.1k-6.el8');
  assert.is(version('pkg:rpm/redhat/openssl-libs@1%3A1.1.1k-6.el8?distro=rhel-8.4&epoch=1'), '1:1.1.1k-6.el8');
  assert.is(version('pkg:rpm/rocky/perl-Errno@1.30-480.el9?distro=rocky-9.1&epoch=0&upstream=perl-5.32.1-480.el9.src.rpm'), '0:5.32.1-480.el9');
  assert.is(version('pkg:rpm/redhat/bash@5-1?epoch=(none)'), '5-1');
  assert.is(version('pkg:npm/a@1.0.0?epoch=1'), '1.0.0');
});
coordinates('every ecosystem that a package URL can name has an order, whatever the qualifiers', () => {
  for (const type of ['npm', 'pypi', 'golang', 'maven', 'cargo', 'gem', 'composer', 'nuget', 'hex', 'pub', 'swift', 'github', 'conan', 'bitnami', 'cran', 'bioconductor', 'hackage', 'julia', 'opam', 'deb/debian', 'deb/ubuntu', 'apk/alpine', 'apk/wolfi', 'rpm/redhat', 'rpm/suse']) {
    for (const distro of ['', '?distro=', '?distro=-', '?distro=debian', '?distro=__proto__', '?distro=99999999999999999999', '?upstream=@', '?upstream=.src.rpm', `?distro=${'1.'.repeat(2000)}`, `?distro=${'lts-'.repeat(2000)}`]) {
      const found = coordinatesOf(named(`pkg:${type}/constructor@1${distro}`));
      assert.ok(found !== null && hasOrder(found.ecosystem), `${type} ${distro.slice(0, 20)}`);
    }
  }
  assert.is(coordinatesOf({ type: 'constructor', namespace: '', name: 'x' }), null);
});

const ecosystems = suite('matchEcosystem');
ecosystems('products of one release are that release; all else stays', () => {
  for (const [written, compared] of Object.entries({
    'Debian:12': 'Debian:12', 'Ubuntu:22.04:LTS': 'Ubuntu:22.04:LTS', 'Ubuntu:Pro:16.04:LTS': 'Ubuntu:Pro:16.04:LTS', npm: 'npm', 'Maven:https://maven.google.com': 'Maven',
    'Red Hat:enterprise_linux:9::appstream': 'Red Hat:enterprise_linux:9', 'Red Hat:enterprise_linux:8::baseos': 'Red Hat:enterprise_linux:8', 'Red Hat:enterprise_linux:10.0': 'Red Hat:enterprise_linux:10', 'Red Hat:rhel_eus:9.2::baseos': 'Red Hat:rhel_eus:9.2::baseos',
    'SUSE:Linux Enterprise Server 15 SP5': 'SUSE:Linux Enterprise 15 SP5', 'SUSE:Linux Enterprise Module for Basesystem 15 SP5': 'SUSE:Linux Enterprise 15 SP5', 'SUSE:Linux Enterprise Module for Python 3 15 SP4': 'SUSE:Linux Enterprise 15 SP4',
    'SUSE:Linux Enterprise Server 12 SP5-LTSS': 'SUSE:Linux Enterprise 12 SP5', 'SUSE:Linux Enterprise Server 15': 'SUSE:Linux Enterprise 15', 'SUSE:Linux Enterprise Micro 5.3': 'SUSE:Linux Enterprise Micro 5.3', 'SUSE:Manager Server 4.3': 'SUSE:Manager Server 4.3',
  })) assert.is(matchEcosystem(written), compared, written);
});
