/** What can go wrong with a repository, in words for the owner of the project. */

export type GitFaultCode =
  | 'git-url-refused' | 'git-address-refused' | 'git-unreachable' | 'git-redirect' | 'git-authentication' | 'git-credential-unfit' | 'git-host-key' | 'git-repository-not-found'
  | 'git-ref-not-found' | 'git-commit-not-found' | 'git-too-large' | 'git-timeout' | 'git-unavailable' | 'git-failed';

/** A fault of the repository or its address; another try would not help. `message` never holds a credential. */
export class GitFault extends Error {
  readonly code: GitFaultCode;
  constructor(code: GitFaultCode, message: string) {
    super(message);
    this.name = 'GitFault';
    this.code = code;
  }
}

/** In order: the first that fits names the fault. Texts are git's, curl's and ssh's own under LC_ALL=C. */
const KNOWN: readonly [RegExp, GitFaultCode, string][] = [
  [/File too large|pack exceeds maximum allowed size|out of memory|mmap failed/i, 'git-too-large', 'The repository needs more memory or space than this installation gives it.'],
  [/couldn't find remote ref/, 'git-ref-not-found', 'The ref is not in the repository (any more).'],
  [/not our ref|unadvertised object|no such remote ref [0-9a-f]{40}|did not send all necessary objects/i, 'git-commit-not-found', 'The commit is not in the repository (any more), or its server does not hand out single commits.'],
  [/returned error: 30\d|unable to update url base from redirection/, 'git-redirect', 'The server redirects to another address, which is not followed. Set git_url to the address that it names.'],
  [/Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/, 'git-host-key', 'The host key of the server is not the known one. An operator must check it.'],
  [/Authentication failed|could not read Username|could not read Password|returned error: 40[13]|Permission denied \(/, 'git-authentication', 'The server wants a credential, or does not take the one that the project has. Set git_credential.'],
  [/cannot run ssh|ssh: not found|ssh: No such file/, 'git-unavailable', 'The program ssh is not installed here, so that ssh addresses cannot be fetched.'],
  [/returned error: 404|repository '.*' not found|does not appear to be a git repository|access denied or repository not exported|Repository not found/i, 'git-repository-not-found', 'There is no repository at git_url, or the credential does not show it.'],
  [/Could not resolve|Connection refused|Connection timed out|Failed to connect|Couldn't connect|unable to connect|Network is unreachable|No route to host|Operation too slow|SSL certificate problem|certificate verif|server certificate|Connection reset|unexpected disconnect|Connection closed/i, 'git-unreachable', 'The server cannot be reached, or its certificate is not trusted'],
];

/** @param stderr of git; servers write into it, so nothing of it is trusted */
export function faultOf(stderr: string): GitFault {
  const [, code, message] = KNOWN.find(([pattern]) => pattern.test(stderr)) ?? [];
  if (code === undefined || message === undefined) return new GitFault('git-failed', `git could not fetch the repository: ${lastWords(stderr)}`);
  return new GitFault(code, code === 'git-unreachable' ? `${message}: ${lastWords(stderr)}` : message);
}

/** The last line that says something, without control characters and without anything that looks like a credential. */
function lastWords(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.replaceAll(/[^\x20-\x7e]/g, ' ').trim()).filter((line) => line !== '');
  const telling = lines.findLast((line) => /^(?:fatal|error|ssh):/.test(line)) ?? lines.at(-1) ?? 'it gave no reason';
  return telling.replaceAll(/\/\/[^\s/@]*@/g, '//').replaceAll(/(authorization:?\s*)(\S+\s*\S*)/gi, '$1***').slice(0, 300);
}
