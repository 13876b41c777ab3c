/**
 * A process that uses the embedded database as the portal does, for tests to kill. Argument: the data folder. It prints one
 * line of JSON when it holds the database, and lets go on SIGTERM.
 */
import { holdPortal, openEmbedded } from '../../src/db/embedded.ts';
import { quietLog } from './server.ts';

const embedded = await openEmbedded({ dataDir: process.argv[2] ?? '', log: quietLog });
const hold = await holdPortal(embedded.url, 'http://127.0.0.1:8080', quietLog).catch(async (error: unknown) => {
  await embedded.stop(5_000);
  throw error;
});
process.once('SIGTERM', () => { void hold.release().then(() => embedded.stop(5_000)); });
console.log(JSON.stringify({ url: embedded.url, started: embedded.started }));
