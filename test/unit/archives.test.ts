/** Archives of hostile origin, byte by byte: what leads out, what is no file, what lies about its size, what never ends. */
import * as assert from 'uvu/assert';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync, zstdCompressSync } from 'node:zlib';
import tar, { type Header } from 'tar-stream';
import { ARCHIVE_LIMITS, ArchiveError, type ArchiveLimits } from '../../src/scan/archive-bounds.ts';
import { readArchive, recogniseArchive, unpackTar, type ArchiveFormat } from '../../src/scan/archive.ts';
import { detectArchive } from '../../src/scan/detect.ts';
import { atEnd, suite } from '../support/suite.ts';
import { zipOf, type ZipEntry } from '../support/zip.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-archives-'));
atEnd(() => rm(folder, { recursive: true, force: true }));
let files = 0;

async function stored(content: Uint8Array): Promise<string> {
  const file = path.join(folder, `${files += 1}`);
  await writeFile(file, content);
  return file;
}

/** `name=content` of each wanted file, or the code of the fault. */
async function outcome(content: Uint8Array, format: ArchiveFormat, limits?: Partial<ArchiveLimits>, wanted: (name: string) => boolean = () => true): Promise<string> {
  try {
    const found: string[] = [];
    for await (const { path: name, data } of readArchive(await stored(content), format, wanted, { ...ARCHIVE_LIMITS, ...limits })) found.push(`${name}=${data.toString('utf8').slice(0, 20)}`);
    return found.join(' ');
  } catch (error) {
    return error instanceof ArchiveError ? error.code : String(error);
  }
}

async function tarOf(...entries: (Partial<Header> & { name: string; content?: string })[]): Promise<Buffer> {
  const pack = tar.pack();
  const packed = buffer(pack);
  for (const { content = '', ...header } of entries) pack.entry(header, header.type === undefined || header.type === 'file' ? content : '');
  pack.finalize();
  return packed;
}

const tars = suite('tar');
tars('links and folders are passed over, whatever they lead to; devices and pipes are refused', async () => {
  assert.is(await outcome(await tarOf({ name: 'a', content: 'x' }, { name: 'b', type: 'symlink', linkname: '/etc/passwd' }, { name: 'c', type: 'link', linkname: '../../etc/passwd' }, { name: 'd/', type: 'directory' }), 'tar'), 'a=x');
  for (const type of ['character-device', 'block-device', 'fifo'] as const) assert.is(await outcome(await tarOf({ name: 'a', type }), 'tar'), 'malformed', type);
});
tars('a file behind a link of the same name is the file', async () => {
  assert.is(await outcome(await tarOf({ name: 'a', type: 'symlink', linkname: '/etc' }, { name: 'a/passwd', content: 'x' }), 'tar'), 'a/passwd=x');
});
tars('paths that lead out are refused, in every way to write them', async () => {
  for (const name of ['/etc/passwd', '../a', 'a/../../b', 'a\\..\\..\\b', 'C:\\a', '\\\\host\\a', `${'x/'.repeat(600)}a`]) assert.is(await outcome(await tarOf({ name, content: 'x' }), 'tar'), 'unsafe-path', name);
  const pax = { name: 'good', content: 'x', pax: { path: '../../evil' } };
  assert.is(await outcome(await tarOf(pax), 'tar'), 'unsafe-path');
});
tars('long names of PAX and GNU are read, and held to the same rules', async () => {
  const long = `${'folder/'.repeat(30)}package-lock.json`;
  assert.is(await outcome(await tarOf({ name: long, content: 'x' }), 'tar'), `${long}=x`);
  const gnu = (name: string): Promise<Buffer> => gnuLong(name, 'x');
  assert.is(await outcome(await gnu(long), 'tar'), `${long}=x`);
  assert.is(await outcome(await gnu(`../${long}`), 'tar'), 'unsafe-path');
});
tars('names that stand twice are both handed over, and a scan reads them as one', async () => {
  const twice = await tarOf({ name: 'requirements.txt', content: 'six==1.0\n' }, { name: './requirements.txt', content: 'idna==3.4\n' });
  assert.is(await outcome(twice, 'tar'), 'requirements.txt=six==1.0\n requirements.txt=idna==3.4\n');
  assert.ok((await detectArchive(await stored(twice), 'tar')).components.length >= 1);
});
tars('truncated anywhere, or no tar at all, is malformed', async () => {
  const whole = await tarOf({ name: 'a', content: 'x'.repeat(3000) }, { name: 'b', content: 'y' });
  for (const length of [100, 512, 700, 2000, 3583]) assert.is(await outcome(whole.subarray(0, length), 'tar'), 'malformed', `${length}`);
  const packed = gzipSync(whole);
  for (const length of [5, 20, packed.length - 9]) assert.is(await outcome(packed.subarray(0, length), 'tar.gz'), 'malformed', `gz ${length}`);
  assert.is(await outcome(zstdCompressSync(whole).subarray(0, 40), 'tar.zst'), 'malformed');
  assert.is(await outcome(Buffer.from('hello '.repeat(200)), 'tar'), 'malformed');
  assert.is(await outcome(whole, 'tar.gz'), 'malformed');
  const negative = Buffer.from(whole);
  negative.write('-0000000001\0', 124, 'latin1');
  assert.is(await outcome(negative, 'tar'), 'malformed');
});
tars('more entries, bytes or bytes of wanted files than allowed end it', async () => {
  assert.is(await outcome(await tarOf(...Array.from({ length: 11 }, (_, index) => ({ name: `${index}` }))), 'tar', { entries: 10 }), 'bomb');
  assert.is(await outcome(await tarOf({ name: 'a', content: 'x'.repeat(101) }), 'tar', { fileBytes: 100 }), 'too-large');
  assert.is(await outcome(await tarOf(...['a', 'b', 'c'].map((name) => ({ name, content: 'x'.repeat(90) }))), 'tar', { fileBytes: 100, wantedBytes: 200 }), 'too-large');
  assert.is(await outcome(gzipSync(await tarOf({ name: 'a', content: 'x'.repeat(5_000_000) })), 'tar.gz', { ratioFrom: 1_000_000 }, () => false), 'bomb');
  assert.is(await outcome(zstdCompressSync(await tarOf({ name: 'a', content: 'x'.repeat(5_000_000) })), 'tar.zst', { totalBytes: 4_000_000, ratio: 1e9 }, () => false), 'bomb');
});
tars('a million entries end it early, in bounded memory', async () => {
  const file = path.join(folder, 'million.tar.gz');
  const block = (await tarOf({ name: 'package.json', content: '{}' })).subarray(0, 1024);
  const chunk = Buffer.concat(Array.from({ length: 1000 }, () => block));
  await pipeline(async function* () { for (let count = 0; count < 1000; count += 1) yield chunk; await Promise.resolve(); }, createGzip({ level: 1 }), createWriteStream(file));
  const before = process.memoryUsage().rss;
  const error = await detectArchive(file, 'tar.gz', { ...ARCHIVE_LIMITS, ratio: 1e9 }).catch((reason: unknown) => reason);
  assert.ok(error instanceof ArchiveError && error.code === 'bomb' && /200000 entries/.test(error.message), String(error));
  assert.ok(process.memoryUsage().rss - before < 600 * 1024 * 1024);
});
tars('to disk go wanted files alone, each once', async () => {
  const target = await mkdtemp(path.join(folder, 'out-'));
  const unpack = async (content: Buffer): Promise<string> => unpackTar(await stored(content), 'tar', target, (name) => name.startsWith('in/'), ARCHIVE_LIMITS).then(() => 'done', (error: unknown) => (error instanceof ArchiveError ? error.code : String(error)));
  assert.is(await unpack(await tarOf({ name: 'in/a', content: 'x' }, { name: 'out', content: 'y' }, { name: 'in/l', type: 'symlink', linkname: '/etc' })), 'done');
  assert.equal(await readdir(target, { recursive: true }), ['in', 'in/a']);
  assert.is(await unpack(await tarOf({ name: 'in/a', content: 'again' })), 'malformed');
  assert.is(await unpack(await tarOf({ name: 'in/../../b', content: 'x' })), 'unsafe-path');
});

const zips = suite('zip');
zips('links are passed over, paths that lead out refused', async () => {
  assert.is(await outcome(zipOf([{ name: 'a', content: 'x' }, { name: 'l', content: '/etc/passwd', mode: 0o120777 }, { name: 'd/' }]), 'zip'), 'a=x');
  for (const name of ['/etc/passwd', '../a', 'a/../../b', 'a\\..\\..\\b', 'C:/a', 'a\u0000b']) assert.is(await outcome(zipOf([{ name, content: 'x' }]), 'zip'), 'unsafe-path', name);
});
zips('names that stand twice are both handed over', async () => {
  assert.is(await outcome(zipOf([{ name: 'a', content: 'x' }, { name: 'a', content: 'y' }]), 'zip'), 'a=x a=y');
});
zips('entries that share their bytes are a bomb', async () => {
  const entries: ZipEntry[] = [{ name: 'a/package-lock.json', content: Buffer.alloc(100_000, 'x') }, ...Array.from({ length: 500 }, (_, index) => ({ name: `${index}/package-lock.json`, content: Buffer.alloc(100_000, 'x'), sameAs: 0 }))];
  assert.is(await outcome(zipOf(entries), 'zip'), 'bomb');
});
zips('a bomb by ratio, by declared size and by size that is not declared', async () => {
  const content = Buffer.alloc(20_000_000);
  assert.is(await outcome(zipOf([{ name: 'a', content }]), 'zip', {}, () => false), 'bomb');
  assert.is(await outcome(zipOf([{ name: 'a', content, size: 3_000_000_000 }]), 'zip', {}, () => false), 'bomb');
  assert.is(await outcome(zipOf([{ name: 'a', content, size: 100 }]), 'zip'), 'malformed');
});
zips('archives in archives are not opened', async () => {
  const inner = zipOf([{ name: 'package-lock.json', content: '{}' }]);
  assert.is((await detectArchive(await stored(zipOf([{ name: 'inner.zip', content: inner }])), 'zip')).components.length, 0);
});
zips('encrypted entries, lies of zip64 and truncation are malformed', async () => {
  assert.is(await outcome(zipOf([{ name: 'a', content: 'x', flags: 1 }]), 'zip'), 'malformed');
  const whole = zipOf([{ name: 'a', content: 'x'.repeat(500) }]);
  for (const length of [10, 40, whole.length - 10]) assert.is(await outcome(whole.subarray(0, length), 'zip'), 'malformed', `${length}`);
  const zip64 = Buffer.alloc(12);
  zip64.writeUInt16LE(1, 0);
  zip64.writeUInt16LE(8, 2);
  zip64.writeBigUInt64LE(0xffffffffffffn, 4);
  const lying = zipOf([{ name: 'a', content: 'x', size: 0xffffffff, extra: zip64 }]);
  assert.ok(['bomb', 'malformed'].includes(await outcome(lying, 'zip')));
  assert.is(await outcome(zipOf([{ name: 'a', content: 'x', size: 0xffffffff }]), 'zip'), 'bomb');
  const outside = Buffer.from(whole);
  outside.writeUInt32LE(0x7fffffff, whole.length - 6);
  assert.is(await outcome(outside, 'zip'), 'malformed');
});
zips('the first bytes say what it is, not its name', () => {
  assert.equal([recogniseArchive(zipOf([])), recogniseArchive(gzipSync('x')), recogniseArchive(zstdCompressSync('x')), recogniseArchive(Buffer.from('Rar!')), recogniseArchive(new Uint8Array())], ['zip', 'tar.gz', 'tar.zst', null, null]);
});

/** GNU's long name: an entry of type L whose content is the name of the next. */
async function gnuLong(name: string, content: string): Promise<Buffer> {
  const longName = await tarOf({ name: '././@LongLink', content: `${name}\0` });
  longName.write('L', 156, 'latin1');
  longName.write('        ', 148, 'latin1');
  const sum = longName.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  longName.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([longName.subarray(0, longName.length - 1024), await tarOf({ name: 'short', content })]);
}
