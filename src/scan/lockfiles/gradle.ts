/** Gradle: gradle.lockfile (one file, `group:name:version=configurations`) and the older gradle/dependency-locks/<configuration>.lockfile. */
import { locked, type LockFileReader } from './lock-file.ts';

const OLD_LAYOUT = /(?:^|\/)dependency-locks\/([\w.-]+)\.lockfile$/;
const LINE = /^([^#:=\s]+):([^:=\s]+):([^:=\s]+)(?:=(.*))?$/;

export const gradleLock: LockFileReader = {
  name: 'gradle.lockfile',
  matches: (base, path) => base === 'gradle.lockfile' || base === 'buildscript-gradle.lockfile' || OLD_LAYOUT.test(path),
  read: (text, path) => {
    const fromName = OLD_LAYOUT.exec(path)?.[1];
    const isBuildscript = /(?:^|\/)buildscript-/.test(path);
    const components = text.split(/\r?\n/).flatMap((line) => {
      const [, namespace, name, version, configurations = fromName ?? ''] = LINE.exec(line.trim()) ?? [];
      if (namespace === undefined || name === undefined || version === undefined) return [];
      return [locked({ type: 'maven', namespace, name, version, direct: null, scope: isBuildscript || configurations.split(',').every(isBuildOnly) ? 'dev' : 'required', path })];
    });
    return { components, warnings: [] };
  },
};

/** Configurations whose files are not shipped: tests, annotation processors, linters. */
const isBuildOnly = (configuration: string): boolean => /^test|Test|[aA]nnotationProcessor$|^kapt|^ksp|checkstyle|detekt|ktlint|jacoco|pmd|spotbugs/.test(configuration);
