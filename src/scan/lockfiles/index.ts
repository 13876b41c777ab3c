/** All lock files that are read. A new format is a reader in this list. */
import { goMod } from './go-mod.ts';
import type { LockFileReader } from './lock-file.ts';
import { gradleLock, pomXml } from './maven.ts';
import { cargoLock, composerLock, gemfileLock } from './others.ts';
import { packageLock } from './package-lock.ts';
import { pnpmLock } from './pnpm-lock.ts';
import { pipfileLock, poetryLock, requirements, uvLock } from './python.ts';
import { yarnLock } from './yarn-lock.ts';

export type { LockFileReader };

export const READERS: readonly LockFileReader[] = [
  packageLock, yarnLock, pnpmLock, poetryLock, uvLock, pipfileLock, requirements, goMod, cargoLock, pomXml, gradleLock, composerLock, gemfileLock,
];
