/** Ecosystems whose versions are lists of numbers, where a longer list comes after its beginning: 1.0 < 1.0.0. */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

const END = 0x00;

/** R's package_version (CRAN, Bioconductor): dots and hyphens are the same. */
export const rKey: KeyOf = (version) => list(/^\d+(?:[.-]\d+)*$/, version)?.done() ?? null;

/** Haskell's Data.Version, without tags. */
export const hackageKey: KeyOf = (version) => list(/^\d+(?:\.\d+)*$/, version)?.done() ?? null;

const STAGE: Readonly<Record<string, number>> = { alpha: 0x01, beta: 0x02, rc: 0x03 };
const RELEASE = 0x04;

/** GHC: also `9.8.1-alpha1` and `9.8.1-rc2`, before 9.8.1. */
export const ghcKey: KeyOf = (version) => {
  const [, numbers = '', stage, number = '0'] = /^([^-]*)(?:-(alpha|beta|rc)(\d+)?)?$/.exec(version.trim()) ?? [];
  const key = list(/^\d+(?:\.\d+)*$/, numbers);
  if (key === null) return null;
  return stage === undefined ? key.byte(RELEASE).done() : key.byte(STAGE[stage] ?? 0).number(number).done();
};

function list(pattern: RegExp, version: string): KeyWriter | null {
  const text = version.trim();
  if (text.length > MAX_LENGTH || !pattern.test(text)) return null;
  const key = new KeyWriter();
  for (const part of text.split(/[.-]/)) key.number(part);
  return key.byte(END);
}
