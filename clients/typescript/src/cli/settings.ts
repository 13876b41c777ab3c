/** The arguments of a command, checked. */
import { createPortalClient, type PortalClient } from '../client.ts';
import { UsageFault } from './faults.ts';
import { FORMATS, type Arguments, type Command } from './options.ts';

export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  stdout: NodeJS.WritableStream;
  progress: (text: string) => void;
  isTerminal: boolean;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
}

export interface Call {
  args: Arguments;
  io: Io;
  client: PortalClient;
  /** Id or slug. */
  project: string;
  /** Aborted by the user or by --timeout. */
  signal: AbortSignal;
  timeoutMs: number;
}

const MAX_SECONDS = 2_000_000;

/** Throws UsageFault that names what is missing and how to give it. */
export function callOf(args: Arguments, io: Io): Call {
  const url = required(args, 'url', 'PORTAL_URL', 'the address of the portal');
  const apiKey = required(args, 'api-key', 'PORTAL_API_KEY', 'an API key');
  const project = required(args, 'project', 'PORTAL_PROJECT', 'the id or slug of the project');
  const timeoutMs = numberOf(args, 'timeout', 1800, MAX_SECONDS) * 1000;
  return { args, io, client: clientOf(url, apiKey), project, signal: AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)]), timeoutMs };
}

function clientOf(baseUrl: string, apiKey: string): PortalClient {
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new UsageFault('The API key holds characters that no key has: was a line or a quotation mark copied along?');
  try {
    return createPortalClient({ baseUrl, apiKey });
  } catch (error) {
    throw new UsageFault(error instanceof Error ? `${error.message} (--url or PORTAL_URL)` : String(error));
  }
}

function required(args: Arguments, name: 'url' | 'api-key' | 'project', variable: string, what: string): string {
  const value = args.text(name);
  if (value === undefined) throw new UsageFault(`Give ${what} by ${variable} or --${name}.`);
  return value;
}

/** A whole number from 1. */
export function numberOf(args: Arguments, name: 'timeout' | 'max-size', otherwise: number, most: number): number {
  const text = args.text(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) throw new UsageFault(`--${name} takes a whole number from 1 to ${most}, not '${text}'.`);
  return value;
}

/** The format that was asked for, or the command's first. */
export function formatOf<Name extends Command>(args: Arguments, command: Name): (typeof FORMATS)[Name][number] {
  const formats: readonly (typeof FORMATS)[Name][number][] = FORMATS[command];
  const [first] = formats;
  const text = args.text('format') ?? first;
  const format = formats.find((known) => known === text);
  if (format === undefined) throw new UsageFault(`--format takes ${formats.join(', ')}, not '${text ?? ''}'.`);
  return format;
}
