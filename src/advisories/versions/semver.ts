/** Semantic Versioning 2.0.0, section 11. Missing minor and patch count as 0, a leading `v` and build metadata as nothing. */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

const SEMVER = /^[vV=]?\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z.-]*))?$/;
const NUGET = /^[vV]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]*)?$/;
const END = 0x00;
const NUMERIC = 0x01;
const WORD = 0x02;
const RELEASE = 0x03;

export const semverKey: KeyOf = (version) => {
  const parts = parse(SEMVER, version);
  if (parts === null) return null;
  const [, major = '0', minor = '0', patch = '0', prerelease] = parts;
  return prereleases(new KeyWriter().number(major).number(minor).number(patch), prerelease).done();
};

/** Dart's pub_semver and Julia's VersionNumber: build metadata counts, and comes after none. */
export const semverBuildKey: KeyOf = (version) => {
  const parts = parse(SEMVER, version);
  if (parts === null) return null;
  const [, major = '0', minor = '0', patch = '0', prerelease, build] = parts;
  const key = prereleases(new KeyWriter().number(major).number(minor).number(patch), prerelease);
  if (build === undefined) return key.byte(END).done();
  return build.split('.').includes('') ? null : identifiers(key, build).done();
};

/** NuGet: up to four numbers; the case of pre-release labels does not count. */
export const nugetKey: KeyOf = (version) => {
  const parts = parse(NUGET, version);
  if (parts === null) return null;
  const [, major = '0', minor = '0', patch = '0', revision = '0', prerelease] = parts;
  return prereleases(new KeyWriter().number(major).number(minor).number(patch).number(revision), prerelease?.toLowerCase()).done();
};

/** Go modules are semantic versions; the toolchain and the standard library also write `go1.22rc1`. */
export const goKey: KeyOf = (version) => {
  const toolchain = /^(?:go)?(\d+)\.(\d+)(?:\.(\d+))?(?:-?(rc|beta)(\d+))?$/.exec(version.trim());
  if (toolchain === null) return semverKey(version);
  const [, major = '', minor = '', patch = '0', stage, number = ''] = toolchain;
  return semverKey(`${major}.${minor}.${patch}${stage === undefined ? '' : `-${stage}.${number}`}`);
};

const parse = (pattern: RegExp, version: string): RegExpExecArray | null => (version.length > MAX_LENGTH ? null : pattern.exec(version.trim()));

function prereleases(key: KeyWriter, prerelease: string | undefined): KeyWriter {
  return prerelease === undefined ? key.byte(RELEASE) : identifiers(key, prerelease);
}

function identifiers(key: KeyWriter, dotted: string): KeyWriter {
  for (const part of dotted.split('.')) {
    if (/^\d+$/.test(part)) key.byte(NUMERIC).number(part);
    else key.byte(WORD).word(part);
  }
  return key.byte(END);
}
