/**
 * A program of the machine, run on hostile input: no environment but the given one, limits of the kernel on memory and files, a process group of
 * its own that is killed whole when the caller aborts, when too much comes out, and also when this process itself dies.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface BoundedRun {
  env: Readonly<Record<string, string>>;
  cwd: string;
  signal: AbortSignal;
  /** Written to standard input; nothing: it is empty. */
  input?: string;
  limits: {
    /** Address space of each process. */
    memoryBytes: number;
    /** Largest file that a process may write. */
    fileBytes: number;
    /** Of standard output. */
    outputBytes: number;
  };
}

export interface BoundedEnd {
  /** Exit status; 127 where the program is not installed; null after a signal. */
  status: number | null;
  stdout: Buffer;
  /** The last 64 KiB. */
  stderr: string;
}

export class OutputTooLarge extends Error {}

const STDERR_BYTES = 64 * 1024;

/**
 * `exec`s the program under limits. Beside it waits a shell that ends the group as soon as file 3 closes, whose other end is held here: a worker
 * that is killed with -9 takes its children along. Limits that the machine does not know are passed over.
 */
const SCRIPT = 'ulimit -c 0; ulimit -f "$1"; ulimit -v "$2" 2>/dev/null; shift 2; (read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 & exec 3<&-; exec "$@"';

/** Rejects with the signal's reason after an abort, with OutputTooLarge, and where no shell can be started. */
export async function runBounded(program: string, args: readonly string[], { env, cwd, signal, input, limits }: BoundedRun): Promise<BoundedEnd> {
  signal.throwIfAborted();
  const blocks = Math.ceil(limits.fileBytes / 512);
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', String(blocks), String(Math.ceil(limits.memoryBytes / 1024)), program, ...args], {
    cwd, env: { ...env }, detached: true, stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout, stderr } = child;
  const leash = child.stdio[3];
  if (leash === null || leash === undefined) throw new Error('the child has no leash');
  for (const pipe of [stdin, leash]) pipe.on('error', () => undefined); // the child is gone already
  const seen = { tooMuch: false };
  const kill = (): void => killGroup(child);
  signal.addEventListener('abort', kill, { once: true });
  const output = collect(stdout, limits.outputBytes, () => {
    seen.tooMuch = true;
    kill();
  });
  const complaint = collectTail(stderr);
  try {
    stdin.end(input ?? '');
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code));
    });
    kill(); // what the program left behind, the waiting shell with it
    const end = { status, stdout: await output, stderr: await complaint };
    signal.throwIfAborted();
    if (seen.tooMuch) throw new OutputTooLarge(`${program} wrote more than ${limits.outputBytes} bytes`);
    return end;
  } finally {
    signal.removeEventListener('abort', kill);
    leash.destroy();
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // the group has ended
  }
}

async function collect(stream: Readable, limit: number, onTooMuch: () => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a stream of bytes gave something else');
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else onTooMuch();
  }
  return Buffer.concat(chunks);
}

async function collectTail(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text = (text + String(chunk)).slice(-STDERR_BYTES);
  return text;
}
