/** Ids that SPDX has deprecated, and what it says to write instead. */

/** GNU ids without `-only` or `-or-later`. */
const GNU = /^((?:A|L)?GPL|GFDL)-(\d\.\d)$/;

const REPLACED: Readonly<Record<string, string>> = {
  'GPL-2.0-with-classpath-exception': 'GPL-2.0-only WITH Classpath-exception-2.0',
  'GPL-2.0-with-autoconf-exception': 'GPL-2.0-only WITH Autoconf-exception-2.0',
  'GPL-2.0-with-bison-exception': 'GPL-2.0-only WITH Bison-exception-2.2',
  'GPL-2.0-with-font-exception': 'GPL-2.0-only WITH Font-exception-2.0',
  'GPL-2.0-with-GCC-exception': 'GPL-2.0-only WITH GCC-exception-2.0',
  'GPL-3.0-with-autoconf-exception': 'GPL-3.0-only WITH Autoconf-exception-3.0',
  'GPL-3.0-with-GCC-exception': 'GPL-3.0-only WITH GCC-exception-3.1',
  'eCos-2.0': 'GPL-2.0-or-later WITH eCos-exception-2.0',
  wxWindows: 'LGPL-2.0-or-later WITH WxWindows-exception-3.1',
  'BSD-2-Clause-FreeBSD': 'BSD-2-Clause',
  'BSD-2-Clause-NetBSD': 'BSD-2-Clause',
  'StandardML-NJ': 'SMLNJ',
  Nunit: 'zlib-acknowledgement',
  'bzip2-1.0.5': 'bzip2-1.0.6',
  'Net-SNMP': 'LicenseRef-Net-SNMP',
};

/** The present expression for a deprecated id; null where the id is not deprecated. */
export function replacementFor(id: string, orLater: boolean): string | null {
  const gnu = GNU.exec(id);
  if (gnu !== null) return `${id}-${orLater ? 'or-later' : 'only'}`;
  return REPLACED[id] ?? null;
}

export const isDeprecated = (id: string): boolean => replacementFor(id, false) !== null;
