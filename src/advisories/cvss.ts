/** CVSS vectors of any version to base scores, and scores to severities. */
import cvss from 'ae-cvss-calculator';
import type { Severity } from '../core/severity.ts';


export interface CvssJudgement {
  vector: string;
  /** Base score, 0 to 10. */
  score: number;
  severity: Severity;
}

/**
 * The judgement by the newest CVSS version among the vectors; of several of one version the highest score. Null where none can be read.
 * Severity by the qualitative scale of CVSS 3.1 and 4.0, for 2.0 too.
 */
export function judgeCvss(vectors: readonly string[]): CvssJudgement | null {
  const judged = vectors.flatMap((vector) => {
    const score = baseScore(vector);
    return score === null ? [] : [{ vector, score, severity: severityOf(score), generation: generationOf(vector) }];
  });
  const [best] = judged.sort((a, b) => b.generation - a.generation || b.score - a.score || (a.vector < b.vector ? -1 : 1));
  return best === undefined ? null : { vector: best.vector, score: best.score, severity: best.severity };
}

function baseScore(vector: string): number | null {
  if (vector.length > 500) return null;
  try {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- the package's types do not resolve under NodeNext
    const parsed: { calculateScores: () => Record<string, unknown> } | null = cvss.fromVector(vector);
    const base = parsed?.calculateScores()['base'];
    return typeof base === 'number' ? base : null;
  } catch {
    return null; // no vector, as the library sees it
  }
}

const generationOf = (vector: string): number => Number(/^CVSS:(\d\.\d)\//.exec(vector)?.[1] ?? 2);

export function severityOf(score: number): Severity {
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'info';
}
