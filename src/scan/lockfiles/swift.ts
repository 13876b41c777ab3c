/** Swift: Package.resolved, versions 1 to 3. The identity of a package is where its repository is. */
import { locked, parseJsonObject, record, records, textOf, type LockFileReader } from './lock-file.ts';

export const packageResolved: LockFileReader = {
  name: 'Package.resolved',
  matches: (base) => base === 'Package.resolved',
  read: (text, path) => {
    const lock = parseJsonObject(text);
    const pins = records(lock['pins'] ?? record(lock['object'])['pins']);
    if (lock['pins'] === undefined && lock['object'] === undefined) throw new Error('it has no pins');
    const warnings: string[] = [];
    const components = pins.flatMap((pin) => {
      const place = textOf(pin['location']) ?? textOf(pin['repositoryURL']) ?? '';
      const state = record(pin['state']);
      const version = textOf(state['version']) ?? textOf(state['revision']);
      const [, host, full] = /^(?:https?:\/\/|ssh:\/\/|git:\/\/)?(?:[^@/]+@)?([\w.-]+)(?::\d+)?[:/](.+?)(?:\.git)?\/?$/.exec(place) ?? [];
      const slash = full?.lastIndexOf('/') ?? -1;
      if (host === undefined || full === undefined || version === null) {
        warnings.push(`${(textOf(pin['identity']) ?? textOf(pin['package']) ?? place).slice(0, 100)} has no repository or version`);
        return [];
      }
      return [locked({ type: 'swift', namespace: slash === -1 ? host.toLowerCase() : `${host.toLowerCase()}/${full.slice(0, slash)}`, name: full.slice(slash + 1), version, direct: null, path })];
    });
    return { components, warnings };
  },
};
