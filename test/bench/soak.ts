/** `node test/bench/soak.ts [minutes]`: what grows while the portal works (test/support/fleet/soak.ts), twenty minutes unless told. Prints the section of RESULTS.md. */
import { openDatabase } from '../../src/db/connect.ts';
import { total } from '../support/fleet/client.ts';
import { runSoak } from '../support/fleet/soak.ts';
import { quietLog, startTestServer } from '../support/server.ts';

const [minutes = 20] = process.argv.slice(2).map(Number);
const server = await startTestServer();
const { db, close } = openDatabase(server.url, { max: 3, applicationName: 'soak', log: quietLog });
const { samples, tables, restarts, imports, load, errors, faults } = await runSoak({ db, databaseUrl: server.url, minutes, samples: 8 });
await close();
await server.stop();

const row = (name: string, of: (sample: (typeof samples)[number]) => number): string => `| ${name} | ${samples.map((sample) => of(sample).toFixed(0)).join(' | ')} |`;
const names = Object.keys(samples[0]?.rows ?? {});
console.log(`\`node test/bench/soak.ts ${minutes}\`, ${new Date().toISOString().slice(0, 10)}: an api process and two workers, one of which was restarted or killed ${restarts} times; ${imports} imports of 40 advisories; ${load.sockets.opened} sockets; ${total(load.tally.answers)} requests, ${load.accepted.size} scans.

| minute | ${samples.map(({ minute }) => minute.toFixed(1)).join(' | ')} |
|---|${samples.map(() => '---|').join('')}
${row('requests', (sample) => sample.requests)}
${row('scans', (sample) => sample.scans)}
${row('api: heap after gc, MiB', (sample) => sample.api.heap)}
${row('api: RSS, MiB', (sample) => sample.api.rss)}
${row('worker: heap after gc, MiB', (sample) => sample.worker.heap)}
${row('worker: RSS, MiB', (sample) => sample.worker.rss)}
${row('database connections', (sample) => sample.connections)}
${row('database, MiB', (sample) => sample.mib)}
${row('dead rows', (sample) => sample.deadTuples)}
${names.map((name) => row(`rows of ${name}`, (sample) => sample.rows[name] ?? 0)).join('\n')}

| table | live | dead | vacuums | KiB |
|---|---|---|---|---|
${tables.map(({ name, live, dead, vacuums, kib }) => `| ${name} | ${live} | ${dead} | ${vacuums} | ${kib} |`).join('\n')}

Faults: ${faults.length}.
`);
console.log(`errors in the logs: ${[...errors].map(([name, times]) => `${name}: ${times}`).join(', ')}`);
for (const fault of faults.slice(0, 40)) console.log(`FAULT ${fault}`);
process.exit(faults.length === 0 ? 0 : 1);
