/** Who works with the portal while its processes come and go: teams, two people each, their projects, and advisories to be triaged. */
import { sql } from 'kysely';
import type { Db } from '../../../src/db/connect.ts';
import { hashPassword } from '../../../src/domain/auth/passwords.ts';
import { cycloneDx, type SbomPart } from '../fixtures.ts';
import { member } from '../contract.ts';
import { caller, type Call, type Tally } from './client.ts';

const PASSWORD = 'a long enough passphrase';

export interface Person {
  id: string;
  email: string;
  teamId: string;
  token: string;
  call: Call;
  /** Of the team. */
  projects: readonly string[];
}

/** Makes teams of two with so many projects each. */
export async function hire(db: Db, url: string, tally: Tally, teams: number, projectsEach: number): Promise<Person[]> {
  const hash = await hashPassword(PASSWORD);
  const people: Person[] = [];
  for (let team = 0; team < teams; team += 1) {
    const { rows } = await sql<{ id: string }>`INSERT INTO teams (name, slug) VALUES (${`Team ${team}`}, ${crypto.randomUUID()}) RETURNING id`.execute(db);
    const teamId = rows[0]?.id ?? '';
    const projects: string[] = [];
    for (let index = 0; index < 2; index += 1) {
      const email = `person-${team}-${index}@example.com`;
      const user = await sql<{ id: string }>`INSERT INTO users (email, password_hash) VALUES (${email}, ${hash}) RETURNING id`.execute(db);
      const id = user.rows[0]?.id ?? '';
      await sql`INSERT INTO memberships (user_id, team_id, role) VALUES (${id}, ${teamId}, 'team_admin')`.execute(db);
      await sql`DELETE FROM rate_limits`.execute(db); // more of them than five log in within a minute
      const login = await caller(url, '', tally)('loginUser', 'POST', '/auth/login', { json: { email, password: PASSWORD } });
      const token = String(member(login?.body, 'access_token'));
      people.push({ id, email, teamId, token, call: caller(url, token, tally), projects });
    }
    for (let index = 0; index < projectsEach; index += 1) {
      const made = await people.at(-1)?.call('createProject', 'POST', '/v1/projects', { json: { name: `Project ${team}-${index}`, team_id: teamId } });
      projects.push(String(member(made?.body, 'id')));
    }
  }
  return people;
}

/** Package URLs of the upload of this number: some that all uploads have, of which a few are vulnerable, and some of its own. */
export function partsOf(upload: number, size: number): SbomPart[] {
  const common = size >> 1;
  return Array.from({ length: size }, (_, index) => ({
    purl: index < common ? `pkg:npm/common-${index}@1.${upload % 7}.0` : `pkg:npm/own-${upload % 50}-${index}@${upload}.0.0`, license: index % 5 === 0 ? 'Apache-2.0' : 'MIT',
  }));
}

export const sbomOf = (upload: number, size: number): string => cycloneDx(partsOf(upload, size));
