/** What others than the tables' owner may do with them: new tables that take the place of present ones take over their rights. */
import type pg from 'pg';

/** Statements that grant it again, to be run when the new tables stand where the old ones stood. Those of tables that are ours alone. @param schema quoted */
export async function grantsOf(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ statement: string }>(`
    SELECT format('GRANT %s ON %s.%I TO %s%s', g.privilege_type, $1::text, c.relname, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
    FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) g
    WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'v') AND g.grantee <> c.relowner
      AND EXISTS (SELECT FROM pg_class n WHERE n.relnamespace = 'sca_portal_restore'::regnamespace AND n.relname = c.relname) ORDER BY 1`, [schema]);
  return rows.map(({ statement }) => statement);
}
