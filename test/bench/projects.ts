/** The list of projects with 10,000 of them: each sort key and filter, for a super admin and for a developer of one of 100 teams. `sh scripts/node.sh test/bench/projects.ts` */
import { sql } from 'kysely';
import { member, type ContractClient } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const ROUNDS = 20;
const { portal, admin, anonymous, database } = await startTestPortal({}, { api: true, worker: false });

async function measure(client: ContractClient, who: string, path: string): Promise<void> {
  const times: number[] = [];
  let total: unknown;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    const response = await fetch(portal.url + path, { headers: { Authorization: `Bearer ${client.token ?? ''}` } });
    total = member(await response.json(), 'total');
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.log(`| ${who} | \`${path}\` | ${String(total)} | ${(times[ROUNDS / 2] ?? 0).toFixed(1)} | ${(times[Math.floor(ROUNDS * 0.95)] ?? 0).toFixed(1)} |`);
}

suite('projects')('bench', async () => {
  const { db } = database;
  const { client, teamId } = await newUser(anonymous, database, 'developer');
  await sql`INSERT INTO teams (name, slug) SELECT 'Team ' || n, 'team-' || n FROM generate_series(1, 99) n`.execute(db);
  await sql`
    INSERT INTO projects (team_id, name, slug, created_at) SELECT t.id, 'Project ' || n, 'project-' || n, now() - n * interval '1 minute'
    FROM generate_series(0, 9999) n JOIN (SELECT id, row_number() OVER (ORDER BY id <> ${teamId}::uuid) - 1 AS place FROM teams) t ON t.place = n % 100`.execute(db);
  await sql`VACUUM (ANALYZE)`.execute(db);
  for (const [who, asked] of [['super admin', admin], ['developer', client]] as const) {
    for (const query of ['', '?sort=name', '?sort=-created_at', '?sort=-updated_at', '?offset=5000', '?q=project%204711', '?limit=200']) await measure(asked, who, `/v1/projects${query}`);
  }
}, { timeoutMs: 300_000 });
