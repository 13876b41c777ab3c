/** A portal with identity providers, good and bad ones, and the way of a browser to them and back. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { member, type Answer, type ContractClient } from './contract.ts';
import { browse, CLIENT, startGithub, startIssuer, startServer, type Person } from './identity-provider.ts';
import { startTestPortal } from './portal.ts';
import { newUser, type NewUser } from './scans.ts';

export const cookiesOf = ({ headers }: Answer): Map<string, string> => new Map(headers.getSetCookie().map((cookie) => [cookie.split('=', 1)[0] ?? '', cookie]));
const valueOf = (cookie: string | undefined): string => /=([^;]*)/.exec(cookie ?? '')?.[1] ?? '';
export const locationOf = (answer: Answer): string => answer.headers.get('Location') ?? '';
export const newPerson = (fields: Partial<Person> = {}): Person => ({ sub: crypto.randomUUID(), email: `${crypto.randomUUID()}@example.com`, email_verified: true, name: 'Ada Lovelace', ...fields });

export interface Departure {
  provider: string;
  /** Where the browser is sent. */
  location: URL;
  /** Value of the state cookie. */
  cookie: string;
}

export function failed(answer: Answer, error: string): void {
  assert.is(locationOf(answer), `/login?error=${error}`);
  assert.not.ok(cookiesOf(answer).has('refresh_token'), 'nobody is logged in');
}

export async function startOauth() {
  const issuer = await startIssuer();
  const second = await startIssuer();
  const github = await startGithub();
  const hanging = await startServer(() => undefined);
  const huge = await startServer((_request, response) => void response.writeHead(200, { 'Content-Type': 'application/json' }).end(`"${'x'.repeat(2 * 1024 * 1024)}"`));
  const oidc = (name: string, url: string): Record<string, string> => ({ [`OIDC_${name}_ISSUER`]: url, [`OIDC_${name}_CLIENT_ID`]: CLIENT.id, [`OIDC_${name}_CLIENT_SECRET`]: CLIENT.secret });
  const { portal, anonymous, admin, database } = await startTestPortal({
    ...oidc('MY_CORP', issuer.url), ...oidc('SECOND', second.url), ...oidc('HANGING', hanging.url), ...oidc('HUGE', huge.url), ...oidc('DOWN', 'http://127.0.0.1:1'),
    ...oidc('IMPOSTOR', issuer.url.replace('127.0.0.1', 'localhost')),
    GITHUB_URL: github.url, GITHUB_CLIENT_ID: CLIENT.id, GITHUB_CLIENT_SECRET: CLIENT.secret, OAUTH_TIMEOUT_SECONDS: '1',
  });
  const { db } = database;
  const callbackOf = (provider: string): string => `${portal.url}/api/auth/oauth/${provider}/callback`;
  await issuer.open(callbackOf('my-corp'));
  await second.open(callbackOf('second'), { claimsInIdToken: true });

  const forgetLimits = () => sql`DELETE FROM rate_limits`.execute(db);

  async function depart(provider: string, query: Record<string, string> = {}): Promise<Departure> {
    const answer = await anonymous.expect(302, 'authorizeOauth', { path: { provider }, query });
    return { provider, location: new URL(locationOf(answer)), cookie: valueOf(cookiesOf(answer).get('oauth_state')) };
  }

  /** To the provider and back as far as the callback's address. */
  const visit = async ({ provider, location }: Departure): Promise<Record<string, string>> => Object.fromEntries((await browse(location.href, callbackOf(provider))).searchParams);

  const comeBack = (departure: Departure, query: Record<string, string>, cookie: string | null = departure.cookie): Promise<Answer> =>
    anonymous.expect(302, 'callbackOauth', { path: { provider: departure.provider }, query, headers: cookie === null ? {} : { Cookie: `oauth_state=${cookie}` } });

  async function logIn(provider: string, person: Person | null, query: Record<string, string> = {}): Promise<Answer> {
    (provider === 'second' ? second : issuer).person = person;
    const departure = await depart(provider, query);
    return comeBack(departure, await visit(departure));
  }

  /** The client of who was logged in by this answer. */
  async function clientOf(answer: Answer): Promise<ContractClient> {
    const token = valueOf(cookiesOf(answer).get('refresh_token'));
    assert.ok(token !== '', `nobody was logged in: ${locationOf(answer)}`);
    const { body } = await anonymous.expect(200, 'refreshSession', { headers: { Cookie: `refresh_token=${token}` } });
    return anonymous.as(String(member(body, 'access_token')));
  }

  async function newProvenUser(): Promise<NewUser> {
    const user = await newUser(anonymous, database, 'developer');
    await sql`UPDATE users SET email_verified_at = now() WHERE id = ${user.id}`.execute(db);
    return user;
  }
  return { portal, anonymous, admin, database, db, issuer, github, callbackOf, forgetLimits, depart, visit, comeBack, logIn, clientOf, newProvenUser };
}
