/** Who has this package? */
import { visibleTo } from '../../core/actor.ts';
import { DomainError } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { parsePurl, type Purl } from '../../core/purl.ts';
import { messageOf } from '../../core/values.ts';
import { listPortfolioComponents, type PortfolioComponentRow } from '../../db/portfolio-components.ts';
import type { Context } from '../context.ts';

export interface ComponentSearch {
  purl?: string | undefined;
  text?: string | undefined;
  version?: string | undefined;
  vulnerable?: boolean | undefined;
  teamId?: string | undefined;
}

/** Throws invalid-request: neither a package URL nor a text, or a package URL that is none. */
export async function searchComponents({ db, actor }: Context, { purl, text, version, ...filters }: ComponentSearch, page: PageRequest): Promise<Page<PortfolioComponentRow>> {
  if (purl === undefined && text === undefined) throw invalid('purl', 'is missing, and so is q: say what to look for');
  const named = purl === undefined ? null : readPurl(purl);
  const found = await listPortfolioComponents(db, visibleTo(actor), { purl: named, text: text ?? null, version: version ?? null, ...filters }, page);
  return { ...found, limit: page.limit, offset: page.offset };
}

function readPurl(text: string): Purl {
  try {
    return parsePurl(text);
  } catch (error) {
    throw invalid('purl', `cannot be read: ${messageOf(error)}`);
  }
}

const invalid = (parameter: string, message: string): DomainError => new DomainError('invalid-request', `${parameter} ${message}.`, { errors: [{ parameter, message }] });
