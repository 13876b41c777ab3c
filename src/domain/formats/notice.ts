/** The NOTICE file of a product, apart from its form: what is in it, by licence, with copyrights, and the texts of these licences, each once. */
import type { NoticeGroup, NoticeRow } from '../../db/documents.ts';
import { exceptionIds, licenseIds, parseExpression } from '../licenses/expression.ts';
import type { DocumentHead } from './document.ts';

export interface NoticeSource {
  head: DocumentHead;
  groups: readonly NoticeGroup[];
  /** Batches of the components of all groups, one group after the other. */
  components: AsyncIterable<readonly NoticeRow[]>;
  /** Name and text of a licence; null where nobody knows it. */
  licenseText: (id: string) => Promise<{ name: string; text: string } | null>;
}

/** A form of the file: text, Markdown, HTML. Each takes untrusted texts. */
export interface NoticeForm {
  start: (title: string, lines: readonly string[]) => string;
  section: (title: string, introduction: string) => string;
  /** @param license SPDX expression; null where none is known @param count of its components */
  group: (license: string | null, count: number) => string;
  entry: (entry: NoticeRow) => string;
  endGroup: () => string;
  license: (id: string, name: string, text: string) => string;
  end: () => string;
}

const UNKNOWN_TEXT = 'The text of this licence is not known to the portal: it comes with the component that names it.';
const exceptionText = (id: string): string => `An exception, which stands beside the licence that it is from. Its text is at https://spdx.org/licenses/${id}.html`;

export async function* writeNotice({ head: { product, author, timestamp, tool }, groups, components, licenseText }: NoticeSource, form: NoticeForm): AsyncGenerator<string> {
  yield form.start(`Notices for ${product.name}${product.version === null ? '' : ` ${product.version}`}`, [
    `Published by ${author}. Made by ${tool.name} ${tool.version} from the scan of ${timestamp}.`,
    'This product contains the components below. Each is under its own licence; where that offers a choice, the choice is the product owner\'s.',
  ]);
  yield form.section('Components', groups.length === 0 ? 'There are no components.' : 'By licence, then by package URL. Components that only build or test the product are left out.');
  yield* grouped(groups, components, form);
  const trees = groups.flatMap(({ license }) => (license === null ? [] : [parseExpression(license)])).flatMap((parsed) => (parsed.ok ? [parsed.tree] : []));
  const ids = new Set(trees.flatMap(licenseIds));
  yield form.section('Licence texts', ids.size === 0 ? 'No licence of a component is known.' : 'As the SPDX list has them, with places for the names that stand with the components; other texts as the components bring them.');
  for (const id of [...ids].sort()) {
    const known = await licenseText(id);
    yield form.license(id, known?.name ?? id, known?.text ?? UNKNOWN_TEXT);
  }
  for (const id of [...new Set(trees.flatMap(exceptionIds))].sort()) yield form.license(id, id, exceptionText(id));
  yield form.end();
}

async function* grouped(groups: readonly NoticeGroup[], components: NoticeSource['components'], form: NoticeForm): AsyncGenerator<string> {
  let at = -1;
  let left = 0;
  for await (const batch of components) {
    for (const row of batch) {
      if (left === 0) {
        at += 1;
        const group = groups[at];
        left = group?.ordinals.length ?? 0;
        yield form.group(group?.license ?? null, left);
      }
      left -= 1;
      yield form.entry(row);
      if (left === 0) yield form.endGroup();
    }
  }
}
