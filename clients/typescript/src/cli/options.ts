/** What the command line takes: one table, from which parsing, help, and the check of the examples follow. */
import { parseArgs } from 'node:util';
import { UsageFault } from './faults.ts';

export const COMMANDS = {
  scan: { argument: '[path]', help: 'Scan a source folder (default: this one), an archive or an SBOM, and judge it by the project\'s gate.' },
  gate: { argument: '', help: 'Show the gate of the project, or of one scan.' },
  sbom: { argument: '', help: 'Download the SBOM of the project; the key needs report:download.' },
  notice: { argument: '', help: 'Download the NOTICE file of the project; the key needs report:download.' },
} as const;
export type Command = keyof typeof COMMANDS;
export const commands: readonly Command[] = ['scan', 'gate', 'sbom', 'notice'];

const RESULTS = ['table', 'json', 'sarif', 'junit'] as const;
/** The first is the default. */
export const FORMATS = {
  scan: RESULTS,
  gate: RESULTS,
  sbom: ['cyclonedx-json', 'cyclonedx-xml', 'spdx-json', 'spdx-tv'],
  notice: ['text', 'markdown', 'html'],
} as const satisfies Record<Command, readonly string[]>;

interface Option {
  type: 'string' | 'boolean';
  /** What stands for its value in the help. */
  value?: string;
  /** Environment variable that it defaults to. */
  env?: string;
  help: string;
  commands: readonly Command[];
}

const JUDGING: readonly Command[] = ['scan', 'gate'];
export const OPTIONS = {
  url: { type: 'string', value: 'URL', env: 'PORTAL_URL', help: 'Address of the portal.', commands },
  'api-key': { type: 'string', value: 'KEY', env: 'PORTAL_API_KEY', help: 'API key (tos_...). Prefer the variable: other users of a machine see arguments.', commands },
  project: { type: 'string', value: 'ID', env: 'PORTAL_PROJECT', help: 'Id or slug of the project.', commands },
  'scan-id': { type: 'string', value: 'ID', help: 'This scan instead of the project\'s current one.', commands: ['gate', 'sbom', 'notice'] },
  ref: { type: 'string', value: 'REF', help: 'Branch, tag, pr-<number> or mr-<number>; found in CI variables or git.', commands: ['scan'] },
  commit: { type: 'string', value: 'SHA', help: 'Commit; found in CI variables or git.', commands: ['scan'] },
  'pr-comment': { type: 'string', value: 'NUMBER', help: 'Comment on this pull or merge request; `auto`: that of the CI job, if it is for one.', commands: ['scan'] },
  repo: { type: 'string', value: 'OWNER/NAME', help: 'Repository of that request; found in CI variables or git.', commands: ['scan'] },
  'warn-as-error': { type: 'boolean', help: 'Exit 1 where the gate warns, too.', commands: JUDGING },
  format: { type: 'string', value: 'FORMAT', help: '', commands },
  output: { type: 'string', value: 'FILE', help: '', commands },
  timeout: { type: 'string', value: 'SECONDS', help: 'Time limit of everything (1800).', commands },
  'no-wait': { type: 'boolean', help: 'Queue the scan and exit 0 without a result.', commands: ['scan'] },
  'max-size': { type: 'string', value: 'MIB', help: 'Largest packed source (256), as the portal\'s MAX_UPLOAD_BYTES.', commands: ['scan'] },
} as const satisfies Record<string, Option>;
type OptionName = keyof typeof OPTIONS;
const table: Readonly<Record<string, Option>> = OPTIONS;

export interface Arguments {
  command: Command;
  path: string | undefined;
  text: (name: OptionName) => string | undefined;
  flag: (name: OptionName) => boolean;
}
export type Parsed = { show: 'version' } | { show: 'help'; command: Command | null } | ({ show: null } & Arguments);

/** Throws UsageFault. */
export function parseCommandLine(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Parsed {
  const [first, ...rest] = argv;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return { show: 'help', command: isCommand(rest[0]) ? rest[0] : null };
  if (first === '--version' || first === '-V' || first === 'version') return { show: 'version' };
  if (!isCommand(first)) throw new UsageFault(`'${first}' is no command: use ${commands.join(', ')}. 'portal --help' tells more.`);
  const { values, positionals } = parsed(first, rest);
  if (values['help'] === true) return { show: 'help', command: first };
  const [path, surplus] = positionals;
  if (surplus !== undefined || (path !== undefined && COMMANDS[first].argument === '')) throw new UsageFault(`'${surplus ?? path ?? ''}' is one argument too many.`);
  const text = (name: OptionName): string | undefined => {
    const variable = table[name]?.env;
    const value = values[name] ?? (variable === undefined ? undefined : env[variable]);
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  return { show: null, command: first, path, text, flag: (name) => values[name] === true };
}

function parsed(command: Command, args: readonly string[]): { values: Record<string, unknown>; positionals: string[] } {
  const options = Object.fromEntries(optionsOf(command).map(([name, { type }]) => [name, { type }]));
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals: true });
  } catch (error) {
    throw new UsageFault(`${error instanceof Error ? error.message : String(error)}\n'portal ${command} --help' lists what there is.`);
  }
}

const optionsOf = (command: Command): [string, Option][] => Object.entries(table).filter(([, option]) => option.commands.includes(command));
const isCommand = (text: string | undefined): text is Command => commands.some((command) => command === text);

export function helpText(command: Command | null): string {
  if (command === null) {
    const lines = commands.map((name) => `  portal ${`${name} ${COMMANDS[name].argument}`.padEnd(14)} ${COMMANDS[name].help}`);
    return ['The command line of the SCA portal.', '', ...lines, '', "  'portal <command> --help' lists its options; 'portal --version' tells the version.", '', ...ENDINGS].join('\n');
  }
  const lines = optionsOf(command).map(([name, option]) => {
    const help = helpOf(name, option, command);
    return `  ${`--${name}${option.value === undefined ? '' : ` ${option.value}`}`.padEnd(24)} ${help}${option.env === undefined ? '' : ` [${option.env}]`}`;
  });
  return [`portal ${command} ${COMMANDS[command].argument}`.trim(), COMMANDS[command].help, '', ...lines, '', ...ENDINGS].join('\n');
}

function helpOf(name: string, option: Option, command: Command): string {
  if (name === 'format') return `One of ${FORMATS[command].join(', ')} (${FORMATS[command][0]}).`;
  if (name === 'output') return JUDGING.includes(command) ? 'Write to this file; the table still goes to standard output.' : 'Write to this file instead of standard output.';
  return option.help;
}

const ENDINGS = ['Exit codes: 0 the gate passes or warns; 1 the gate fails; 2 there is no result: bad input, network, a scan that failed.'];
