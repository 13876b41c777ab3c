/** Semantic Versioning 2.0.0, section 11. Missing minor and patch count as 0, a leading `v` and build metadata as nothing. */
import { KeyWriter, type KeyOf } from './key.ts';

const SEMVER = /^[vV=]?\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]*)?$/;
const END = 0x00;
const NUMERIC = 0x01;
const WORD = 0x02;
const RELEASE = 0x03;

export const semverKey: KeyOf = (version) => {
  const parts = version.length > 256 ? null : SEMVER.exec(version.trim());
  if (parts === null) return null;
  const [, major = '0', minor = '0', patch = '0', prerelease] = parts;
  const key = new KeyWriter().number(major).number(minor).number(patch);
  if (prerelease === undefined) return key.byte(RELEASE).done();
  for (const part of prerelease.split('.')) {
    if (/^\d+$/.test(part)) key.byte(NUMERIC).number(part);
    else key.byte(WORD).word(part);
  }
  return key.byte(END).done();
};

/** Go modules are semantic versions; the toolchain and the standard library also write `go1.22rc1`. */
export const goKey: KeyOf = (version) => {
  const toolchain = /^(?:go)?(\d+)\.(\d+)(?:\.(\d+))?(?:-?(rc|beta)(\d+))?$/.exec(version.trim());
  if (toolchain === null) return semverKey(version);
  const [, major = '', minor = '', patch = '0', stage, number = ''] = toolchain;
  return semverKey(`${major}.${minor}.${patch}${stage === undefined ? '' : `-${stage}.${number}`}`);
};
