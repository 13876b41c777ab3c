/** A portal whose log is kept, the secrets that must not be found again, and what the operations that change something need to be there. */
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { pino } from 'pino';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import { member, type Answer, type ContractClient } from './contract.ts';
import { cycloneDx, sbomForm, SMALL_SBOM } from './fixtures.ts';
import { openMailbox } from './mailbox.ts';
import { ADMIN, startTestPortal } from './portal.ts';
import { newProject, newUser, scanToEnd } from './scans.ts';

export async function startAudited() {
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, new Writable({ write: (chunk: Buffer, _encoding, done) => { logged.push(chunk.toString()); done(); } }));
  const mailbox = await openMailbox();
  const { admin, anonymous, database, portal } = await startTestPortal({ SMTP_URL: mailbox.url, MAIL_FROM: 'portal@example.test', LOG_LEVEL: 'trace', ALLOW_PRIVATE_ADDRESSES: '127.0.0.1' }, { api: true, worker: true }, log);
  const { db } = database;

  /** Everything that must not be found again. */
  const secrets = new Set<string>([ADMIN.password, 'a long enough passphrase']);
  const secret = (text: unknown): string => {
    if (typeof text !== 'string' || text.length < 12) throw new Error('that is no secret');
    secrets.add(text);
    return text;
  };
  const password = (): string => secret(`lantern-${crypto.randomUUID()}`);
  const forgetLimits = () => sql`DELETE FROM rate_limits`.execute(db);

  /** The refresh token of a log-in's answer. */
  const refreshToken = (answer: Answer): string => secret(/refresh_token=([^;]+)/.exec(answer.headers.get('Set-Cookie') ?? '')?.[1]);
  async function signedUp(): Promise<{ email: string; password: string; client: ContractClient; cookie: string }> {
    const user = await newUser(anonymous, database, 'team_admin');
    await forgetLimits();
    const answer = await anonymous.expect(200, 'loginUser', { json: { email: user.email, password: 'a long enough passphrase' } });
    return { email: user.email, password: 'a long enough passphrase', client: anonymous.as(secret(member(answer.body, 'access_token'))), cookie: `refresh_token=${refreshToken(answer)}` };
  }

  /** A component of a scan, with the approval that the scan opened where its licence is conditional. */
  async function approval(license = 'MPL-2.0'): Promise<{ id: string; projectId: string; componentId: string }> {
    const projectId = await newProject(admin);
    await scanToEnd(admin, projectId, sbomForm(cycloneDx([{ purl: 'pkg:npm/a@1.0.0', license }])));
    const { rows } = await sql<{ id: string | null; component_id: string }>`SELECT a.id, c.id AS component_id FROM components c LEFT JOIN approvals a ON a.component_id = c.id WHERE c.project_id = ${projectId}`.execute(db);
    return { id: rows[0]?.id ?? '', projectId, componentId: rows[0]?.component_id ?? '' };
  }

  async function policy(): Promise<string> {
    const { body } = await admin.expect(201, 'createLicensePolicy', { json: { scope: 'organization', license: `LicenseRef-${crypto.randomUUID()}`, tier: 'allowed' } });
    return String(member(body, 'id'));
  }

  const team = async (): Promise<string> => String(member((await admin.expect(201, 'createAdminTeam', { json: { name: 'A team' } })).body, 'id'));

  /** A user who has a notification. */
  async function told(): Promise<{ client: ContractClient; id: string }> {
    const { id: userId, client } = await newUser(anonymous, database, 'developer');
    const { rows } = await sql<{ id: string }>`INSERT INTO notifications (user_id, kind, title, body) VALUES (${userId}, 'scan_completed', 'A title', 'A body') RETURNING id`.execute(db);
    return { client, id: rows[0]?.id ?? '' };
  }

  /** A project whose code host may send webhooks. */
  async function hooked(url: string): Promise<{ id: string; url: string; key: string }> {
    const id = await newProject(admin, { git_url: url });
    return { id, url, key: secret(member((await admin.expect(200, 'rotateProjectWebhookSecret', { path: { id } })).body, 'secret')) };
  }

  async function someFinding(): Promise<{ id: string; project: string }> {
    await importAdvisories(portal.services, fileURLToPath(new URL('../../data/advisories', import.meta.url)), () => undefined);
    const project = await newProject(admin);
    await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
    const { rows } = await sql<{ id: string }>`SELECT id FROM findings WHERE project_id = ${project} LIMIT 1`.execute(db);
    return { id: rows[0]?.id ?? '', project };
  }

  /** A channel that nobody listens to, with a message for it. */
  async function channel(): Promise<{ id: string; delivery: string }> {
    const { body } = await admin.expect(201, 'createNotificationChannel', { json: { type: 'webhook', scope: 'organization', name: 'Nobody', url: 'https://hooks.invalid/in' } });
    const id = String(member(body, 'id'));
    secret(member(body, 'secret'));
    const { rows } = await sql<{ id: string }>`
      WITH said AS (INSERT INTO channel_messages (kind, title, body, event) VALUES ('scan_completed', 'T', 'B', '{}') RETURNING id)
      INSERT INTO channel_deliveries (channel_id, message_id, kind, state) SELECT ${id}, id, 'scan_completed', 'failed' FROM said RETURNING id`.execute(db);
    return { id, delivery: rows[0]?.id ?? '' };
  }

  return { logged, mailbox, admin, anonymous, database, db, portal, secrets, secret, password, forgetLimits, refreshToken, signedUp, approval, policy, team, told, hooked, someFinding, channel };
}
