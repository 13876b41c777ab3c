/** What is scanned, as the variables of a CI job or git tell it. Pure. */
import { isRecord } from '../problem.ts';

export interface Origin {
  ref?: string | undefined;
  commit?: string | undefined;
  /** owner/name, in GitLab with all groups. */
  repository?: string | undefined;
  /** Number of the pull or merge request that the job is for. */
  request?: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @param event the payload that GitHub left for the job (GITHUB_EVENT_PATH) @param git what git says; each is used where CI says nothing */
export function detectOrigin(env: Environment, event: unknown, git: Origin): Origin {
  const ci = env['GITHUB_ACTIONS'] === 'true' ? github(env, event) : env['GITLAB_CI'] === 'true' ? gitlab(env) : jenkins(env);
  return { ref: ci.ref ?? git.ref, commit: ci.commit ?? git.commit, repository: ci.repository ?? git.repository, request: ci.request };
}

/** For pull requests the commit that GITHUB_SHA names is a merge that nobody else knows: the head is in the event. */
function github(env: Environment, event: unknown): Origin {
  const ref = filled(env['GITHUB_REF']);
  const request = /^refs\/pull\/(\d+)\//.exec(ref ?? '')?.[1];
  const pull = isRecord(event) && isRecord(event['pull_request']) ? event['pull_request'] : {};
  const head = isRecord(pull['head']) && typeof pull['head']['sha'] === 'string' ? pull['head']['sha'] : undefined;
  return { ref, commit: head ?? filled(env['GITHUB_SHA']), repository: filled(env['GITHUB_REPOSITORY']), request: numberOf(request) };
}

/** Of pipelines for merged results CI_COMMIT_SHA is such a merge, too. */
function gitlab(env: Environment): Origin {
  const request = numberOf(env['CI_MERGE_REQUEST_IID']);
  return {
    ref: request === undefined ? filled(env['CI_COMMIT_REF_NAME']) : `mr-${request}`,
    commit: filled(env['CI_MERGE_REQUEST_SOURCE_BRANCH_SHA']) ?? filled(env['CI_COMMIT_SHA']),
    repository: filled(env['CI_PROJECT_PATH']),
    request,
  };
}

/** Multibranch jobs know their branch or change; others say `origin/main`. */
function jenkins(env: Environment): Origin {
  const request = numberOf(env['CHANGE_ID']);
  const branch = filled(env['BRANCH_NAME']) ?? filled(env['GIT_BRANCH'])?.replace(/^origin\//, '');
  return { ref: request === undefined ? branch : `pr-${request}`, commit: filled(env['GIT_COMMIT']), repository: repositoryOf(env['GIT_URL']), request };
}

/** `git@host:acme/shop.git`, `https://host/acme/shop` -> `acme/shop`. */
export function repositoryOf(url: string | undefined): string | undefined {
  const path = /^(?:[a-z+]+:\/\/[^/]+\/|[^/@]+@[^:/]+:)(.+?)(?:\.git)?\/?$/.exec(url ?? '')?.[1];
  return path?.includes('/') === true ? path : undefined;
}

const filled = (text: string | undefined): string | undefined => (text === undefined || text === '' ? undefined : text);
const numberOf = (text: string | undefined): number | undefined => (/^[1-9]\d{0,7}$/.test(text ?? '') ? Number(text) : undefined);
