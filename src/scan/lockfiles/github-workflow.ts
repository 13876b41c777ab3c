/** GitHub Actions that the workflows of a repository use: they run with its secrets, but are no part of the product. */
import { locked, type LockFileReader } from './lock-file.ts';

export const githubWorkflow: LockFileReader = {
  name: 'GitHub workflow',
  matches: (_base, path) => /^(?:[^/]+\/)?\.github\/workflows\/[^/]+\.ya?ml$/.test(path),
  read: (text, path) => ({
    components: [...text.matchAll(/^[ \t]*(?:-[ \t]+)?uses:[ \t]*["']?([\w.-]+)\/([\w.-]+)(?:\/[^\s@"']*)?@([^\s"'#]+)(?:["']?[ \t]+#[ \t]*(v?\d+(?:\.\d+)*)\b)?/gm)].map(([, namespace = '', name = '', ref = '', comment]) =>
      // An action pinned by its commit says its version in a comment, as Dependabot and Renovate write it.
      locked({ type: 'githubactions', namespace, name, version: /^[0-9a-f]{40}$/.test(ref) && comment !== undefined ? comment : ref, direct: true, scope: 'dev', path })),
    warnings: [],
  }),
};
