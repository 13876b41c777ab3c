/** The configuration of the embedded server. It is written anew at each start, so that a newer portal brings newer settings. */
import { readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './account.ts';
import { writeWhole } from './files.ts';

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '', // TCP with a password only: socket paths are short of room below deep folders
  max_connections: '100',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  lc_messages: 'C',

  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  random_page_cost: '1.1', // solid-state disks
  jit: 'off', // our queries are short; compiling them costs more than it saves

  synchronous_commit: 'on',
  wal_level: 'minimal', // nobody replicates the embedded server
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_wal_size: '2GB',
  min_wal_size: '128MB',
  checkpoint_timeout: '15min',

  // The log may be read by more people than the database: no statements, no values.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
};

/** Shared memory that parallel queries may need at once, in bytes. Containers often have 64 MiB. */
const ROOMY_SHARED_MEMORY = 512 * 1024 * 1024;

/** Writes postgresql.conf into the folder `data`; `changes` win over ours, the administrator's local.conf over both. */
export async function writeSettings(data: string, account: Account | undefined, changes: Readonly<Record<string, string>>): Promise<void> {
  const shm = await statfs('/dev/shm').catch(() => undefined);
  const roomy = shm !== undefined && shm.bavail * shm.bsize >= ROOMY_SHARED_MEMORY;
  const settings = { ...SETTINGS, ...(process.platform === 'linux' && !roomy ? { dynamic_shared_memory_type: 'mmap' } : {}), ...changes };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  const local = await stat(join(data, 'local.conf')).then(() => ["include 'local.conf'"], () => []);
  const text = ['# Written by the portal at each start. Your own settings: local.conf in this folder.', ...lines, ...local, ''].join('\n');
  const file = join(data, 'postgresql.conf');
  if (await readFile(file, 'utf8') !== text) await writeWhole(file, text, account);
}
