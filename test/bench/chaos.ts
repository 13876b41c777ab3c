/**
 * `node test/bench/chaos.ts [seconds] [seed]`: processes that are killed under load (test/support/fleet/chaos.ts), two minutes unless told. Prints the
 * section of RESULTS.md; exits with 1 where anything was lost, failed or came twice.
 */
import { openDatabase } from '../../src/db/connect.ts';
import { runChaos } from '../support/fleet/chaos.ts';
import { total } from '../support/fleet/client.ts';
import { openMailbox } from '../support/mailbox.ts';
import { quietLog, startTestServer } from '../support/server.ts';

const [seconds = 120, seed = 1] = process.argv.slice(2).map(Number);
const server = await startTestServer();
const { db, close } = openDatabase(server.url, { max: 4, applicationName: 'chaos', log: quietLog });
const mailbox = await openMailbox();
const { kills, tally, load, peaks, scans, takenOver, seconds: took, settleMs, notifications, mails, mailsAgain, triaged, limited, errors, faults } =
  await runChaos({ db, databaseUrl: server.url, mailbox, seconds, seed, everyMs: 5_000, size: 60, uploadersEach: (index) => [4, 4, 1, 1, 1, 0][index] ?? 0 });
await close();
await server.stop();

const sorted = tally.times.toSorted((a, b) => a - b);
const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0);
const list = (map: ReadonlyMap<string, number>): string => [...map].sort().map(([name, times]) => `${name}: ${times}`).join(', ');
console.log(`\`node test/bench/chaos.ts ${seconds} ${seed}\`, ${new Date().toISOString().slice(0, 10)}: two api and three worker processes, one of each killed and started again every 5 s.

| what | |
|---|---|
| kills of api processes, of workers | ${kills.api}, ${kills.worker} |
| load; after it until all scans had ended, all notices were told, all mails sent, all jobs done | ${took.toFixed(0)} s; ${['scans', 'notices', 'mails', 'jobs'].map((name) => ((settleMs[name] ?? 0) / 1000).toFixed(0)).join(', ')} s |
| requests answered; p50, p95, worst | ${total(tally.answers)}; ${at(0.5)}, ${at(0.95)}, ${at(0.99999)} ms |
| 5xx | ${[...tally.answers].filter(([name]) => / 5\d\d$/.test(name)).reduce((sum, [, one]) => sum + one, 0)} |
| requests whose connection was killed | ${total(tally.broken)} (${list(tally.broken)}) |
| answers replayed by Idempotency-Key; slowest answer to one whose connection was killed | ${tally.replayed}; ${load.slowestRetry} ms |
| scans accepted, in the database, taken up by another worker | ${load.accepted.size}, ${scans}, ${takenOver} |
| scans lost, ended twice, with wrong components | ${faults.filter((fault) => fault.startsWith('scan ')).length} |
| sockets opened; how they ended | ${load.sockets.opened}; ${list(load.sockets.ends)} |
| steps of triage | ${triaged} |
| notifications, mails of them, mails sent again with the same Message-ID | ${notifications}, ${mails}, ${mailsAgain} |
| most active scans of a team (limit 10), of a ref (1), sockets of a user (3), database connections | ${peaks.activePerTeam}, ${peaks.activePerRef}, ${peaks.socketsPerUser}, ${peaks.connections} |
| of 200 requests for scans at once: admitted, refused, broken (limit 120 a minute) | ${limited.admitted}, ${limited.refused}, ${limited.broken} |
| faults | ${faults.length} |
`);
console.log(`answers: ${list(tally.answers)}`);
console.log(`settled: ${JSON.stringify(settleMs)}`);
console.log(`errors in the logs: ${list(errors)}`);
for (const fault of faults.slice(0, 40)) console.log(`FAULT ${fault}`);
process.exit(faults.length === 0 ? 0 : 1);
