/** Untrusted texts in Markdown. */
import * as assert from 'uvu/assert';
import { code, escapeMarkdown, fenced } from '../../src/domain/formats/markdown.ts';
import { suite } from '../support/suite.ts';

const test = suite('markdown');
test('mentions nobody and marks nothing up', () => {
  assert.is(escapeMarkdown('@all <b>*x*</b> [a](b) ~~c~~ # d | e & f\ng'), '@\u2060all \\<b\\>\\*x\\*\\</b\\> \\[a\\](b) \\~\\~c\\~\\~ \\# d \\| e \\& f g');
});
test('code and fences hold whatever stands in them', () => {
  assert.equal([code('plain'), code('a`b'), code('a``b|c\nd')], ['`plain`', '`` a`b ``', '``` a``b\u2223c d ```']);
  assert.equal([fenced('x'), fenced('```\nx')], ['```text\nx\n```', '````text\n```\nx\n````']);
});
