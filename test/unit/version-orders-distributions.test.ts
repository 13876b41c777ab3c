/** The orders of dpkg, RPM, apk and opam: cases from their manuals and test suites. */
import { suite } from '../support/suite.ts';
import { ascending, equal, none } from '../support/version-asserts.ts';

const orders = suite('versionKey of distributions');
orders('Debian: the tilde of the policy, epochs, revisions, letters before others', () => {
  ascending('Debian:12', '1.0~~', '1.0~~a', '1.0~', '1.0', '1.0a');
  ascending('Debian:12', '1.2.3~rc1-1', '1.2.3-1', '1.2.3-2~deb12u1', '1.2.3-2', '1.2.3-2+deb12u1', '1.2.3-2.1', '1.2.3-10', '1.2.3+dfsg-1', '1.2.3.1-1', '1.10-1', '2', '1:0.1');
  ascending('Debian:12', '1.1.1n-0+deb11u3', '1.1.1n-0+deb11u4', '1.1.1n-1', '1.1.1w-0+deb11u1', '3.0.9-1');
  ascending('Debian:12', '1.0-1', '1.0-1a', '1.0-1b', '1.0-1+b1', '1.0-1.1');
  ascending('Debian:12', '1.0', '1.0a', '1.0+', '1.0.1');
  ascending('Debian:12', '2.0-1', '2.0-1-1'); // the last hyphen counts
  ascending('Debian:12', '7.4.052-1ubuntu3', '7.4.052-1ubuntu3.1', '7.4.52-1ubuntu4');
  equal('Debian:12', '1.0', '0:1.0', '1.0-0', '1.00');
  equal('Debian:12', '1.2.03', '1.2.3');
});
orders('Debian: what is no version', () => none('Debian:12', '', 'a1', '1:', ':1', 'x:1.0', '1.0_1', '1.0-é', '1 0', '<unfixed>', '1.0-1:2-', '-1', '1.0-'));
orders('Ubuntu and Echo are as Debian, whatever the release', () => {
  for (const ecosystem of ['Ubuntu:22.04:LTS', 'Ubuntu:Pro:16.04:LTS', 'Echo', 'Debian']) {
    ascending(ecosystem, '1.0.2g-1ubuntu4', '1.0.2g-1ubuntu4.20', '1.0.2g-1ubuntu4.20+esm1', '1.0.2g-1ubuntu4.21', '1.0.2g-2');
  }
});
orders('opam: the example of its manual, and revisions', () => {
  ascending('opam', '~~', '~', '~beta2', '~beta10', '0.1', '1.0~beta', '1.0', '1.0-test', '1.0.1', '1.0.10', 'dev', 'trunk');
  ascending('opam', 'v0.9.0', 'v0.16.0');
  none('opam', '', '1.0 2', '1:2');
});
orders('RPM: its own test suite, tilde and caret, oddities included', () => {
  const ecosystem = 'Red Hat:enterprise_linux:9';
  ascending(ecosystem, '1.0', '2.0', '2.0.1', '2.0.1a');
  ascending(ecosystem, '5.5p1', '5.5p2', '5.5p10', '5.6p1', '6.5p1');
  ascending(ecosystem, '10xyz', '10.1xyz');
  ascending(ecosystem, 'xyz.4', 'xyz10', 'xyz10.1', '2', '8');
  ascending(ecosystem, '6.0', '6.0.rc1');
  ascending(ecosystem, '10a1', '10a2', '10b2');
  ascending(ecosystem, '1.0a', '1.0aa');
  ascending(ecosystem, '4.999.9', '5.0');
  ascending(ecosystem, '10.0001', '10.0039');
  ascending(ecosystem, '1.0~rc1~git123', '1.0~rc1', '1.0~rc2', '1.0', '1.0^', '1.0^git1', '1.0^git2', '1.0.1', '1.1');
  ascending(ecosystem, '1.0~rc1^git1~pre', '1.0~rc1^git1', '1.0', '1.0^git1~pre', '1.0^git1', '1.01');
  ascending(ecosystem, '1b.fc17', '1.fc17', '1g.fc17');
  equal(ecosystem, '2.0', '2_0', '02.0', '2.0.', '2.00');
  equal(ecosystem, 'a+', 'a_', 'a');
});
orders('RPM: epoch and release', () => {
  for (const ecosystem of ['AlmaLinux:9', 'Rocky Linux:8', 'openSUSE:Leap 15.5', 'SUSE:Linux Enterprise 15 SP5', 'Mageia:9', 'openEuler:22.03-LTS', 'Photon OS:3.0', 'Red Hat']) {
    ascending(ecosystem, '1.1.1k-6.el8', '1.1.1k-6.el8_5', '1.1.1k-7.el8', '1.1.1k-12.el8_9', '3.0.7-1.el9', '1:1.1.1k-6.el8', '2:0');
    ascending(ecosystem, '1.0', '1.0-1');
    equal(ecosystem, '1.0-1', '0:1.0-1');
  }
  none('AlmaLinux:9', '', '~', '1.0-1-1', ':1', '(none):1.0', '1.0-é', '1.0 1', '-1');
});
orders('Alpine: the cases of apk-tools', () => {
  for (const ecosystem of ['Alpine:v3.19', 'Wolfi', 'Chainguard', 'MinimOS', 'Alpaquita:23', 'BellSoft Hardened Containers:23']) {
    ascending(ecosystem, '0.1.0_alpha_pre2', '0.1.0_alpha', '0.1.0_alpha2', '0.1.0', '0.1.3_alpha', '2.2.39-r1');
    ascending(ecosystem, '1.0_alpha', '1.0_beta', '1.0_pre1', '1.0_rc1', '1.0_rc2', '1.0', '1.0-r0', '1.0-r3', '1.0-r10', '1.0_cvs', '1.0_svn', '1.0_git', '1.0_hg', '1.0_p', '1.0_p9-r0', '1.0_p10-r0', '1.0a', '1.0b-r1', '1.0.1');
    ascending(ecosystem, '1.3-r0', '1.3.1-r0');
    ascending(ecosystem, '1.0.0_pre20191002222144-r0', '1.0.0_pre20210530193627-r0');
    ascending(ecosystem, '1.02.07', '1.02.10-r1', '1.12.12-r2');
    ascending(ecosystem, '1.07-r1', '1.07.5', '1.19');
    ascending(ecosystem, '2.3.0b-r1', '2.3.0b-r4', '4.8-r1', '006', '20050718-r2');
    ascending(ecosystem, '0.12', '0.13_beta1', '0.13_beta5', '0.13');
    ascending(ecosystem, '1.2.07.8', '1.2.12.04', '1.2.12.05', '1.3.3');
    ascending(ecosystem, '1.0', '1.0~abc123', '1.0_p1');
    ascending(ecosystem, '7.0.17', '7.0.174');
    equal(ecosystem, '6', '006');
    none(ecosystem, '', '1.0bc', '23_foo', '1.0-1', '1.0-r', 'a', '1..0', '1.0_', '1.0-r1_p1', '1.0a1', '1.0~xyz');
  }
});
