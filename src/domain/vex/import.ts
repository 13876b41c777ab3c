/** Applying a VEX document to a project's findings: one transaction, statement by statement reported. */
import { readFile } from 'node:fs/promises';
import { DomainError, type ProblemSlug } from '../../core/errors.ts';
import { createTurnstile } from '../../core/turnstile.ts';
import { inTransaction } from '../../db/transaction.ts';
import { currentPurls, lockVexTargets } from '../../db/vex.ts';
import type { Context } from '../context.ts';
import type { FindingStatus } from '../findings/states.ts';
import { applyDecisions, lockForTriage, maySuppress, type DecisionOutcome, type FindingDecision } from '../findings/triage.ts';
import { getProject } from '../projects/read.ts';
import { pairClaims, type Pairing, type VexSkipReason } from './match.ts';
import { readVex, type VexClaim, type VexDocument } from './read.ts';
import type { VexFormat } from './vocabulary.ts';

/** One statement on one finding. */
export interface VexEntry {
  vulnerability: string | null;
  product: string | null;
  outcome: 'applied' | 'unchanged' | 'skipped' | 'unmatched';
  findingId: string | null;
  /** Of the finding afterwards. */
  status: FindingStatus | null;
  /** Why nothing was changed. */
  problem: { reason: VexSkipReason; detail: string } | null;
}

export interface VexImport {
  format: VexFormat;
  entries: readonly VexEntry[];
}

const MAX_BYTES = 64 * 1024 * 1024;
/** Documents are held in memory as a whole: one at a time in a process. */
const turnstile = createTurnstile(1, 20, () => new DomainError('unavailable', 'Too many VEX documents are being imported at the moment. Try again.', { retryAfter: 10 }));
const REASONS: Partial<Record<ProblemSlug, VexSkipReason>> = { 'invalid-transition': 'illegal_transition', forbidden: 'forbidden_transition', 'validation-failed': 'malformed_statement' };

/** A spooled file of the form. */
interface Upload {
  field: string;
  path: string;
  byteSize: number;
}

/**
 * @param files of the form: the document, as `upload`
 * @throws DomainError not-found, project-archived, validation-failed, malformed-vex, payload-too-large, unavailable
 */
export async function importVex(context: Context, projectId: string, files: readonly Upload[]): Promise<VexImport> {
  const file = onlyUpload(files);
  if (file.byteSize > MAX_BYTES) throw new DomainError('payload-too-large', `The document is larger than the ${MAX_BYTES} bytes that a VEX document may have.`, { limit_bytes: MAX_BYTES });
  return turnstile.pass(async () => {
    const document = readVex(await readFile(file.path));
    const now = context.now();
    const claims = document.claims.map((claim) => ({ ...claim, timestamp: notAfter(claim.timestamp, now) }));
    const { name, slug } = await getProject(context, projectId);
    const suppresses = await maySuppress(context, projectId);
    return inTransaction(context.db, async (tx) => {
      await lockForTriage(tx, projectId, claims.some(mayBeWide));
      const targets = await lockVexTargets(tx, projectId, [...new Set(claims.flatMap(({ names }) => names))]);
      const pairings = pairClaims(claims, { targets, present: await currentPurls(tx, projectId), projectNames: [name, slug] });
      const decisions = pairings.flatMap((pairing) => decisionOf(document, pairing, now));
      const outcomes = await applyDecisions(tx, context, { projectId, source: 'vex_import', maySuppress: suppresses, allOrNothing: false }, decisions);
      const byFinding = new Map(outcomes.map((outcome) => [outcome.findingId, outcome]));
      return { format: document.format, entries: pairings.map((pairing) => entryOf(pairing, byFinding)) };
    });
  });
}

function onlyUpload(files: readonly Upload[]): Upload {
  const [file, second] = files;
  const invalid = (pointer: string, message: string): DomainError => new DomainError('validation-failed', `${pointer} ${message}.`, { errors: [{ pointer, message }] });
  if (file === undefined) throw invalid('/upload', "is missing: send the document as the file field 'upload'");
  const stray = [file, second].find((one) => one !== undefined && one.field !== 'upload');
  if (stray !== undefined) throw invalid(`/${stray.field}`, "is not a file field; send the document as 'upload'");
  if (second !== undefined) throw invalid('/upload', 'stands in the form twice; send one document');
  return file;
}

/** A clock that runs ahead must not keep later statements out. */
const notAfter = (timestamp: string | null, now: Date): string | null => (timestamp !== null && Date.parse(timestamp) > now.getTime() ? now.toISOString() : timestamp);

/** Package URLs with a version are the common case; what looks like one without takes the stronger lock. */
const mayBeWide = ({ product, judgement }: VexClaim): boolean => judgement?.scope === 'package' || (product !== null && !/@[^/@]+$/.test(product.split(/[?#]/, 1)[0] ?? ''));

function decisionOf({ id, author, format }: VexDocument, { claim, target, wide, skip }: Pairing, now: Date): FindingDecision[] {
  if (target === null || skip !== null || claim.judgement === null) return [];
  const { status, code, expiresAt } = claim.judgement;
  return [{
    findingId: target.id, expectedVersion: null, status, justification: claim.text, justificationCode: code, expiresAt, appliesTo: wide ? 'package' : 'version',
    origin: { id, author, format, timestamp: claim.timestamp, vex_status: claim.word, imported_at: now.toISOString() },
  }];
}

function entryOf({ claim: { vulnerability, product }, target, skip }: Pairing, outcomes: ReadonlyMap<string, DecisionOutcome>): VexEntry {
  const named = { vulnerability, product, findingId: target?.id ?? null };
  if (target === null) return { ...named, outcome: 'unmatched', status: null, problem: skip };
  const outcome = outcomes.get(target.id);
  const status = outcome?.status ?? target.status;
  if (skip !== null) return { ...named, outcome: 'skipped', status, problem: skip };
  if (outcome?.refusal) return { ...named, outcome: 'skipped', status, problem: { reason: REASONS[outcome.refusal.kind] ?? 'malformed_statement', detail: outcome.refusal.detail } };
  return { ...named, outcome: outcome?.outcome === 'applied' ? 'applied' : 'unchanged', status, problem: null };
}
