/** The NOTICE file of a project's scan. */
import { noticeRows, shippedByLicense } from '../../db/documents.ts';
import type { Context } from '../context.ts';
import { inChunks } from '../formats/document.ts';
import { writeNotice, type NoticeForm } from '../formats/notice.ts';
import { HTML, MARKDOWN, NOTICE_CSP, TEXT } from '../formats/notice-forms.ts';
import { spdxLicenseText } from '../licenses/texts.ts';
import { componentsTag, viewForDocument, whole, type ProjectDocument } from './view.ts';

export type NoticeFormat = 'text' | 'markdown' | 'html';

const FORMS = {
  text: { form: TEXT, mediaType: 'text/plain', extension: 'txt', policy: null },
  markdown: { form: MARKDOWN, mediaType: 'text/markdown', extension: 'md', policy: null },
  html: { form: HTML, mediaType: 'text/html', extension: 'html', policy: NOTICE_CSP },
} as const satisfies Record<NoticeFormat, { form: NoticeForm; mediaType: string; extension: string; policy: string | null }>;

/** Of the current scan or the named one; without components where the project has no succeeded scan. Throws not-found, scan-not-finished. */
export async function exportNotice(context: Context, projectId: string, scanId: string | undefined, format: NoticeFormat): Promise<ProjectDocument<(typeof FORMS)[NoticeFormat]['mediaType']>> {
  const { form, mediaType, extension, policy } = FORMS[format];
  const view = await viewForDocument(context, projectId, scanId);
  const { scan, source: { head, licenseTexts } } = view;
  const etag = await componentsTag(context, view, ['notice', format]);
  const groups = scan === undefined ? [] : await shippedByLicense(context.db, scan.id);
  const ordinals = groups.flatMap((group) => group.ordinals);
  const components = whole(head.id, ordinals.length, noticeRows(context.db, head.id, ordinals));
  let texts: ReadonlyMap<string, string> | null = null;
  const licenseText = async (id: string) => {
    if (id.startsWith('LicenseRef-')) texts ??= await licenseTexts();
    const own = texts?.get(id);
    return own === undefined ? spdxLicenseText(id) : { name: id.slice('LicenseRef-'.length).replaceAll('-', ' '), text: own };
  };
  return { etag, mediaType, fileName: `${view.project.slug}-NOTICE.${extension}`, policy, text: inChunks(writeNotice({ head, groups, components, licenseText }, form)) };
}
