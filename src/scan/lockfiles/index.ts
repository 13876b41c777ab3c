/** All lock files that are read. A new format is a reader in this list. */
import { goMod } from './go-mod.ts';
import { githubWorkflow } from './github-workflow.ts';
import { goSum } from './go-sum.ts';
import type { LockFileReader, OtherFiles } from './lock-file.ts';
import { gradleLock } from './gradle.ts';
import { pomXml } from './maven.ts';
import { mixLock } from './mix-lock.ts';
import { nugetLock, nugetProject, packagesConfig } from './nuget.ts';
import { cargoLock } from './cargo-lock.ts';
import { composerLock } from './composer-lock.ts';
import { gemfileLock } from './gemfile-lock.ts';
import { packageLock } from './package-lock.ts';
import { pnpmLock } from './pnpm-lock.ts';
import { pubspecLock } from './pubspec-lock.ts';
import { pipfileLock, poetryLock, uvLock } from './python.ts';
import { requirements } from './requirements.ts';
import { packageResolved } from './swift.ts';
import { yarnLock } from './yarn-lock.ts';

export type { LockFileReader, OtherFiles };

export const READERS: readonly LockFileReader[] = [
  packageLock, yarnLock, pnpmLock, poetryLock, uvLock, pipfileLock, requirements, goMod, goSum, cargoLock, pomXml, gradleLock, composerLock, gemfileLock,
  nugetLock, nugetProject, packagesConfig, pubspecLock, mixLock, packageResolved, githubWorkflow,
];
