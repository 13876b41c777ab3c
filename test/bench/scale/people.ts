/** Teams, users, keys, messages: what grows with the people rather than with the scans. */
import { sql } from 'kysely';
import { hashPassword } from '../../../src/domain/auth/passwords.ts';
import { pick, u, type Seed } from './random.ts';

/** Of `user-1@seed.example` and all others. */
export const SEED_PASSWORD = 'a passphrase for seeded users';
export const seedEmail = (number: number): string => `user-${number}@seed.example`;

const n = sql`n`;

export async function seedPeople({ step, size }: Seed): Promise<void> {
  const { teams, users } = size;
  await step('teams', sql`INSERT INTO teams (name, slug, created_at) SELECT 'Team ' || ${pick(u(n, 1), ['Payments', 'Search', 'Mobile', 'Platform', 'Data', 'Identity', 'Checkout', 'Logistics'])} || ' ' || n, 'seed-team-' || n, now() - make_interval(days => 900 - n)
    FROM generate_series(1, ${sql.lit(teams)}) n`);
  await step('seed_team', sql`CREATE TEMP TABLE seed_team ON COMMIT DROP AS SELECT id, substr(slug, 11)::int AS no FROM teams WHERE slug LIKE 'seed-team-%'`);
  await step('users', sql`INSERT INTO users (email, full_name, password_hash, email_verified_at, last_login_at, created_at)
    SELECT 'user-' || n || '@seed.example', ${pick(u(n, 2), ['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald'])} || ' ' || ${pick(u(n, 3), ['Smith', 'Meyer', 'Rossi', 'Novak', 'Tanaka', 'Okafor'])} || ' ' || n,
      ${await hashPassword(SEED_PASSWORD)}, now(), now() - make_interval(hours => n), now() - make_interval(days => 800, mins => n) FROM generate_series(1, ${sql.lit(users)}) n`);
  await step('seed_user', sql`CREATE TEMP TABLE seed_user ON COMMIT DROP AS SELECT id, email, substring(email FROM 'user-(\\d+)@')::int AS no FROM users WHERE email LIKE 'user-%@seed.example'`);
  // the first users are in the first teams, which have most projects; some are in several
  await step('memberships', sql`INSERT INTO memberships (user_id, team_id, role)
    SELECT DISTINCT ON (s.id, t.id) s.id, t.id, CASE WHEN s.no <= ${sql.lit(teams)} AND k = 0 THEN 'team_admin' ELSE 'developer' END
    FROM seed_user s CROSS JOIN generate_series(0, 2) k JOIN seed_team t ON t.no = CASE k WHEN 0 THEN 1 + (s.no - 1) % ${sql.lit(teams)} ELSE 1 + floor(${sql.lit(teams)} * ${u(sql`s.no * 3 + k`, 4)})::int END
    WHERE k = 0 OR ${u(sql`s.no * 3 + k`, 5)} < 0.3 ORDER BY s.id, t.id, k`);
  await step('api_keys', sql`INSERT INTO api_keys (name, scope, team_id, prefix, key_hash, allowed_actions, created_by_user_id, created_at, revoked_at)
    SELECT 'Pipeline ' || s.no, 'team', m.team_id, 'seed' || lpad(s.no::text, 6, '0'), sha256(convert_to('seed' || s.no, 'UTF8')), ARRAY['scan:trigger', 'project:read'], s.id, now() - make_interval(days => s.no), CASE WHEN s.no % 5 = 0 THEN now() END
    FROM seed_user s JOIN LATERAL (SELECT team_id FROM memberships m WHERE m.user_id = s.id LIMIT 1) m ON true`);
  await step('license_policies', sql`INSERT INTO license_policies (team_id, license, tier, reason, created_at)
    SELECT t.id, 'LicenseRef-vendor-' || n, ${pick(u(n, 6), ['allowed', 'conditional', 'forbidden'])}, 'As counsel said', now() - make_interval(days => n) FROM seed_team t CROSS JOIN generate_series(1, 5) n`);
  await step('channels', sql`INSERT INTO notification_channels (type, scope, team_id, name, url_sealed, url, kinds, is_enabled, created_at)
    SELECT 'slack', 'team', t.id, 'Chat of team ' || t.no, '\\x00', 'https://chat.example/…', ARRAY['cve_detected'], false, now() - make_interval(days => t.no) FROM seed_team t`);
  await step('channel_messages', sql`INSERT INTO channel_messages (kind, title, body, event, created_at) SELECT 'cve_detected', 'Critical findings', 'There are new ones.', '{}', now() - make_interval(mins => n) FROM generate_series(1, 500) n`);
  await step('channel_deliveries', sql`INSERT INTO channel_deliveries (channel_id, message_id, kind, state, attempts, delivered_at, created_at)
    SELECT c.id, m.id, 'cve_detected', 'delivered', 1, m.created_at, m.created_at FROM notification_channels c CROSS JOIN channel_messages m`);
}

export async function seedNotifications({ step, size }: Seed): Promise<void> {
  await step('notifications', sql`INSERT INTO notifications (user_id, kind, project_id, title, body, link, target_table, target_id, read_at, created_at)
    SELECT s.id, ${pick(u(sql`s.no * 1000 + n`, 7), ['cve_detected', 'scan_completed', 'scan_completed', 'gate_changed'])}, p.id, 'Something happened in ' || p.no, 'Have a look.', '/projects/' || p.id, 'projects', p.id::text,
      CASE WHEN n > 40 THEN now() - make_interval(hours => n) END, now() - make_interval(hours => n, secs => s.no)
    FROM seed_user s CROSS JOIN generate_series(1, 200) n JOIN seed_project p ON p.no = 1 + (s.no * 7 + n) % ${sql.lit(size.projects)}`);
}
