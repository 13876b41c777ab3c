/** The SPDX licence list, by id in any case. */
import list from 'spdx-license-list/spdx.json' with { type: 'json' };

export interface SpdxLicense {
  id: string;
  name: string;
  osiApproved: boolean;
  url: string | null;
}

const byLowerCase = new Map(Object.entries<{ name: string; osiApproved: boolean; url?: string }>(list).map(([id, { name, osiApproved, url = '' }]): [string, SpdxLicense] => {
  const [first = ''] = url.split(/\s+/);
  return [id.toLowerCase(), { id, name, osiApproved, url: first === '' ? null : first }];
}));

export function findSpdxLicense(id: string): SpdxLicense | undefined {
  return byLowerCase.get(id.toLowerCase());
}

export const allSpdxLicenses = (): readonly SpdxLicense[] => [...byLowerCase.values()];
