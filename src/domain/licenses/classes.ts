/**
 * Every licence of the SPDX list belongs to one class by what it asks of who passes the software on. Read from the licence texts; where the Open Source Initiative,
 * the FSF's licence list or Blue Oak Council's list of permissive licences speak of a licence, the class agrees with them. Not legal advice: policies override it.
 */

export type LicenseClass =
  | 'unconditional' | 'permissive' | 'conditional' | 'weak' | 'share_alike' | 'no_derivatives' | 'strong' | 'network' | 'non_commercial' | 'restricted' | 'placeholder';

const ids = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((id) => id !== ''));

/** Licences whose class their family's name does not tell. */
const LISTED: readonly [LicenseClass, ReadonlySet<string>][] = [
  ['placeholder', ids('any-OSI any-OSI-perl-modules')],
  ['unconditional', ids(`
    0BSD ANTLR-PD ANTLR-PD-fallback BOLA-1.1 CC-PDDC CC-PDM-1.0 CC0-1.0 DL-DE-ZERO-2.0 diffmark GLWTPL libselinux-1.0 LZMA-SDK-9.22 MIT-0 NCBI-PD NIST-PD NIST-PD-TNT NTIA-PD
    PDDL-1.0 SAX-PD SAX-PD-2.0 SGP4 TPDL Unlicense Unlicense-libtelnet Unlicense-libwhirlpool WTFNMFPL WTFPL blessing`)],
  ['non_commercial', ids('NCGL-UK-2.0 PPL SUL-1.0 Aladdin ASWF-Digital-Assets-1.0 ASWF-Digital-Assets-1.1 MMPL-1.0.1 JPL-image')],
  ['restricted', ids('C-UDA-1.0 CPOL-1.02 MS-LPL UnRAR BUSL-1.1 Elastic-2.0 FSL-1.1-ALv2 FSL-1.1-MIT Hippocratic-2.1 IEC-Code-Components-EULA MPEG-SSG')],
  ['network', ids('CAL-1.0 CAL-1.0-Combined-Work-Exception CPAL-1.0 NPOSL-3.0 RPSL-1.0 SSPL-1.0 TGPPL-1.0 UCL-1.0 Watcom-1.0')],
  ['strong', ids(`
    copyleft-next-0.3.0 copyleft-next-0.3.1 BSD-Protection CERN-OHL-1.1 CERN-OHL-1.2 CERN-OHL-S-2.0 D-FSL-1.0 ESA-PL-strong-copyleft-2.4 Glide LiLiQ-Rplus-1.1 NGPL Sleepycat QPL-1.0
    QPL-1.0-INRIA-2004 SMAIL-GPL SimPL-2.0 TAPR-OHL-1.0 TMate`)],
  ['weak', ids(`
    APL-1.0 APSL-1.0 APSL-1.1 APSL-1.2 APSL-2.0 BitTorrent-1.0 BitTorrent-1.1 CATOSL-1.1 CERN-OHL-W-2.0 CUA-OPL-1.0 eCos-2.0 ESA-PL-weak-copyleft-2.4 Frameworx-1.0 FreeImage gSOAP-1.3b iMatix Interbase-1.0 IPA LiLiQ-R-1.1 Motosoto
    NASA-1.3 NOSL OCCT-PL OCLC-2.0 OPL-1.0 OSET-PL-2.1 RHeCos-1.1 RSCPL SGI-B-1.0 SGI-B-1.1 SNIA SugarCRM-1.1.3 TPL-1.0 wxWindows YPL-1.0 YPL-1.1 Zimbra-1.3 Zimbra-1.4 Nokia LGPLLR
    Arphic-1999 OFL-1.0 OFL-1.0-RFN OFL-1.0-no-RFN Ubuntu-font-1.0`)],
  ['share_alike', ids('CC-SA-1.0 CDL-1.0 CDLA-Sharing-1.0 LAL-1.2 LAL-1.3 Linux-man-pages-copyleft Linux-man-pages-copyleft-2-para Linux-man-pages-copyleft-var ODbL-1.0')],
  ['conditional', ids(`
    Artistic-1.0 Artistic-1.0-Perl Artistic-1.0-cl8 Artistic-dist Barr Bitstream-Charter Bitstream-Vera BSD-3-Clause-No-Military-License Caldera Caldera-no-preamble ClArtistic Community-Spec-1.0
    Condor-1.1 CrystalStacker DOC EFL-1.0 Entessa EUDatagrid FDK-AAC Giftware gnuplot JSON Knuth-CTAN LPPL-1.0 LPPL-1.1 LPPL-1.2 LPPL-1.3a LPPL-1.3c Lucida-Bitmap-Fonts MakeIndex
    Mackerras-3-Clause-acknowledgment MTLL NBPL-1.0 Noweb NRL OGTSL OLDAP-1.1 OLDAP-1.2 OLDAP-1.3 OLDAP-1.4 OpenPBS-2.3 OpenSSL-standalone OPUBL-1.0 ParaType-Free-Font-1.3 PHP-3.0 Saxpath SCEA
    Sendmail Sendmail-8.23 Sendmail-Open-Source-1.1 SSLeay-standalone TORQUE-1.1 Vim Vixie-Cron Xdebug-1.03 xpp Zend-2.0`)],
  ['permissive', ids(`
    3D-Slicer-1.0 AAL Abstyles AdaCore-doc Adobe-2006 Adobe-Display-PostScript Adobe-Glyph Adobe-Utopia ADSL Advanced-Cryptics-Dictionary Afmparse ALGLIB-Documentation AMD-newlib AMDPLPA AML
    AML-glslang AMPAS APAFML App-s2p Aspell-RU Baekmuk Bahyph bcrypt-Solar-Designer Boehm-GC Boehm-GC-without-fee Borceux Brian-Gladman-2-Clause Brian-Gladman-3-Clause Buddy CAPEC-tou Catharon
    CDLA-Permissive-1.0 CDLA-Permissive-2.0 CECILL-B CERN-OHL-P-2.0 CFITSIO check-cvs checkmk Clips CMU-Mach CMU-Mach-nodoc CNRI-Jython COIL-1.0 Cornell-Lossless-JPEG Cronyx Crossword CryptoSwift
    Cube cve-tou DEC-3-Clause DL-DE-BY-2.0 DocBook-DTD DocBook-Schema DocBook-Stylesheet DocBook-XML Dotseqn DRL-1.0 DRL-1.1 DSDP dtoa dvipdfm ECL-1.0 eGenix EPICS ESA-PL-permissive-2.4 etalab-2.0
    Eurosym FBM Ferguson-Twofish FreeBSD-DOC FSFAP FSFAP-no-warranty-disclaimer FSFUL FSFULLR FSFULLRSD FSFULLRWD Furuseth fwlw Game-Programming-Gems GCR-docs GD generic-xts GL2PS Glulxe Graphics-Gems
    gtkbook Gutmann HaskellReport HDF5 hdparm HIDAPI HP-1986 HP-1989 HTMLTIDY hyphen-bulgarian IBM-pibs ImageMagick Imlib2 Inner-Net-2.0 InnoSetup Intel Intel-ACPI ISO-permission Jam JasPer-2.0 jove
    JPNIC Kastrup Kazlib Latex2e Latex2e-translated-notice Leptonica libpng-1.6.35 libutil-David-Nugent LiLiQ-P-1.1 Linux-man-pages-1-para Linux-OpenIB LOOP LPD-document lsof LZMA-SDK-9.11-to-9.20
    Mackerras-3-Clause magaz mailprio man2html Martin-Birgmeier McPhee-slideshow metamail Minpack MIPS MirOS MMIXware mpi-permissive mpich2 mplus Multics Mup NCL Net-SNMP NetCDF Newsletr ngrep
    NICTA-1.0 NIST-PD-fallback NIST-Software NLOD-1.0 NLOD-2.0 NLPL Nunit O-UDA-1.0 OAR OFFIS OGC-1.0 OGDL-Taiwan-1.0 OGL-Canada-2.0 OGL-UK-1.0 OGL-UK-2.0 OGL-UK-3.0 OLDAP-2.0 OLDAP-2.0.1 OLDAP-2.1
    OLDAP-2.2 OLDAP-2.2.1 OLDAP-2.2.2 OLDAP-2.3 OLDAP-2.4 OLDAP-2.5 OLDAP-2.6 OLDAP-2.7 OLDAP-2.8 OLFL-1.3 OML OpenMDW-1.0 OpenVision OPL-UK-3.0 OSC-1.0 OSSP PADL Pixar pkgconf pnmstitch psfrag psutils
    python-ldap Qhull radvd Rdisc RSA-MD SchemeReport SGI-B-2.0 SGI-OpenGL SGMLUG-PM SHL-0.5 SHL-0.51 SL SMPPL snprintf SOFA softSurfer Soundex ssh-keyscan StandardML-NJ Sun-PPP Sun-PPP-2000 SunPro
    SWL swrule Symlinks TCP-wrappers TekHVC TermReadKey ThirdEye threeparttable TOSL TrustedQSL TTWL TTYP0 UCAR ulem UMich-Merit UnixCrypt URT-RLE VOSTROM w3m Widget-Workshop WordNet Wsuipa wwl Xerox
    Xfig XFree86-1.1 xinetd xkeyboard-config-Zinoviev xlock XSkat xzoom Zed Zeeff`)],
];

/** Families of ids, for those that stand in no list; the first match counts. */
const FAMILIES: readonly [RegExp, LicenseClass][] = [
  [/^(?:AGPL-|OSL-|RPL-|EUPL-)/, 'network'],
  [/^(?:CC-BY-NC|PolyForm-Noncommercial|Prosperity-)/, 'non_commercial'],
  [/^(?:PolyForm-|Parity-)/, 'restricted'],
  [/^(?:GPL-|CECILL-[12])/, 'strong'],
  [/^CC-BY-SA-/, 'share_alike'],
  [/^GFDL-/, 'strong'],
  [/^CC-BY-ND-/, 'no_derivatives'],
  [/^(?:LGPL-|MPL-|EPL-|CDDL-|CPL-1\.0|IPL-1\.0|MS-RL|CECILL-C|LPL-|SPL-1\.0|ErlPL-1\.1|OFL-1\.1|SISSL|NPL-)/, 'weak'],
  [/^(?:Apache-1\.[01]|BSD-4-Clause-UC|BSD-3-Clause-No-Nuclear)/, 'conditional'],
  [/^(?:MIT|BSD-|ISC|Apache-2\.0|CC-BY-[1-4]|Zlib|zlib-|Python-2\.0|PSF-2\.0|BSL-1\.0|PostgreSQL|NTP|curl|Ruby|X11|Artistic-2\.0|PHP-3\.01|Libpng|libpng-|OpenSSL|UPL-1\.0|AFL-|MS-PL|BlueOak-1\.0\.0|W3C|ICU|Unicode-|NCSA|HPND|FTL|IJG|TCL|bzip2-|SMLNJ|Xnet|Fair|ECL-2\.0|EFL-2\.0|Beerware|CNRI-Python|Spencer-|TU-Berlin|Plexus|libtiff|Info-ZIP|Naumen|NAIST-2003|ODC-By-1\.0|MulanPSL-|VSL-1\.0|ZPL-|SSH-)/, 'permissive'],
];

/** `id` is an SPDX id without `+`; undefined where the list that this release knows has no such licence. */
export function classOf(id: string): LicenseClass | undefined {
  return LISTED.find(([, listed]) => listed.has(id))?.[0] ?? FAMILIES.find(([pattern]) => pattern.test(id))?.[1];
}

/** Exceptions that let other code be combined without the copyleft reaching it. */
const LINKING = /^(?:Classpath-exception-2\.0|LLVM-exception|GCC-exception-|Autoconf-exception-|Bison-exception-|Font-exception-2\.0|WxWindows-exception-3\.1|eCos-exception-2\.0|OpenJDK-assembly-exception|Universal-FOSS-exception|Linux-syscall-note|OCaml-LGPL-linking-exception|Swift-exception|Libtool-exception|u-boot-exception|openvpn-openssl-exception)/;
export const isLinkingException = (exception: string): boolean => LINKING.test(exception);
