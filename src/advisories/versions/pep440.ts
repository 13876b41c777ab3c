/** PEP 440, as PyPA's `packaging` compares: epoch, release without trailing zeros, then pre-, post- and development releases and the local label. */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

const VERSION =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d+)?)?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d+)?)?(?:([-_.]?dev[-_.]?)(\d+)?)?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;
const STAGE: Readonly<Record<string, number>> = { a: 1, alpha: 1, b: 2, beta: 2, c: 3, rc: 3, pre: 3, preview: 3 };
const LOWEST = 0x00;
const PRESENT = 0x01;
const HIGHEST = 0xff;

export const pep440Key: KeyOf = (version) => {
  const parts = version.length > MAX_LENGTH ? null : VERSION.exec(version.trim().toLowerCase());
  if (parts === null) return null;
  const [, epoch = '0', release = '', stage, stageNumber = '0', implicitPost, post, postNumber = '0', dev, devNumber = '0', local] = parts;
  const isPost = implicitPost !== undefined || post !== undefined;
  const key = new KeyWriter().number(epoch);
  for (const part of release.replace(/(?:\.0+)+$/, '').split('.')) key.number(part);
  key.byte(LOWEST);
  if (stage !== undefined) key.byte(STAGE[stage] ?? 0).number(stageNumber);
  else key.byte(dev !== undefined && !isPost ? LOWEST : HIGHEST);
  if (isPost) key.byte(PRESENT).number(implicitPost ?? postNumber);
  else key.byte(LOWEST);
  if (dev === undefined) key.byte(HIGHEST);
  else key.byte(PRESENT).number(devNumber);
  for (const part of local?.split(/[-_.]/) ?? []) {
    if (/^\d+$/.test(part)) key.byte(0x02).number(part);
    else key.byte(0x01).word(part);
  }
  return key.byte(LOWEST).done();
};
