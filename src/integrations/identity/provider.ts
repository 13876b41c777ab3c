/** What the portal asks of an identity provider, whatever its kind: where to send the browser, and who came back. */
import type { IdentityProviderSettings } from '../../config.ts';
import { createGithub } from './github.ts';
import { createOidc } from './oidc.ts';
import type { IdentityProvider } from './sign-in.ts';

export interface IdentityProviders {
  /** In the order GitHub, Google, the others by name. */
  all: readonly IdentityProvider[];
  /** undefined where none of that name is configured. */
  find: (name: string) => IdentityProvider | undefined;
}

/** Asks the providers nothing yet. @param timeoutSeconds time that each request to them gets */
export function createIdentityProviders(settings: readonly IdentityProviderSettings[], timeoutSeconds: number): IdentityProviders {
  const all = settings.map((one) => (one.kind === 'github' ? createGithub(one, timeoutSeconds) : createOidc(one, timeoutSeconds)));
  return { all, find: (name) => all.find((provider) => provider.name === name) };
}
