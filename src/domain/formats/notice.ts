/** The NOTICE file of a product, apart from its form: what is in it, under which licence, by whom, and the texts of these licences, each once. */
import type { DocumentComponentRow } from '../../db/components.ts';
import { licenseIds, parseExpression } from '../licenses/expression.ts';
import type { DocumentHead } from './document.ts';

export interface NoticeSource {
  head: DocumentHead;
  /** Batches in the order of the document. */
  components: () => AsyncIterable<readonly DocumentComponentRow[]>;
  /** Name and text of a licence; null where nobody knows it. */
  licenseText: (id: string) => Promise<{ name: string; text: string } | null>;
}

export interface NoticeEntry {
  name: string;
  version: string;
  purl: string;
  /** SPDX expression; null where none is known. */
  license: string | null;
  copyright: string | null;
}

/** A form of the file: text, Markdown, HTML. Each takes untrusted texts. */
export interface NoticeForm {
  start: (title: string, lines: readonly string[]) => string;
  section: (title: string, introduction: string) => string;
  entry: (entry: NoticeEntry) => string;
  license: (id: string, name: string, text: string) => string;
  end: () => string;
}

/** What builds or tests the product only does not reach its users. */
const SHIPPED: ReadonlySet<string> = new Set(['required', 'optional']);

export async function* writeNotice({ head: { product, author, timestamp, tool }, components, licenseText }: NoticeSource, form: NoticeForm): AsyncGenerator<string> {
  const ids = new Set<string>();
  let count = 0;
  yield form.start(`Notices for ${product.name}${product.version === null ? '' : ` ${product.version}`}`, [
    `Published by ${author}. Made by ${tool.name} ${tool.version} from the scan of ${timestamp}.`,
    'This product contains the components below. Each is under its own licence; where that offers a choice, the choice is the product owner\'s.',
  ]);
  yield form.section('Components', 'By package URL. Components that only build or test the product are left out.');
  for await (const batch of components()) {
    for (const row of batch) {
      if (!SHIPPED.has(row.scope)) continue;
      count += 1;
      const license = row.license_concluded ?? row.license_expression ?? row.license_detected;
      const parsed = license === null ? null : parseExpression(license);
      if (parsed?.ok === true) for (const id of licenseIds(parsed.tree)) ids.add(id);
      yield form.entry({ name: row.namespace === null ? row.name : `${row.namespace}/${row.name}`, version: row.version, purl: row.purl, license, copyright: row.copyright });
    }
  }
  yield form.section('Licence texts', ids.size === 0 ? `${count === 0 ? 'There are no components' : 'No licence of a component is known'}.` : 'As the SPDX list has them, with places for the names that stand with the components; other texts as the components bring them.');
  for (const id of [...ids].sort()) {
    const known = await licenseText(id);
    yield form.license(id, known?.name ?? id, known?.text ?? 'The text of this licence is not known to the portal: it comes with the component that names it.');
  }
  yield form.end();
}
