/** Text of a source file: UTF-8, UTF-16 with a byte order mark (as PowerShell writes requirements.txt), or what an XML declaration names. */

/** Throws a TypeError where the bytes are not what they should be. */
export function decodeText(data: Uint8Array): string {
  return new TextDecoder(encodingOf(data), { fatal: true }).decode(data); // takes the byte order mark off
}

function encodingOf(data: Uint8Array): string {
  if (data[0] === 0xff && data[1] === 0xfe) return 'utf-16le';
  if (data[0] === 0xfe && data[1] === 0xff) return 'utf-16be';
  const head = Buffer.from(data.subarray(0, 200)).toString('latin1');
  return /^<\?xml[^>]*\sencoding=["'](iso-8859-1|iso-8859-15|windows-1252|us-ascii)["']/i.exec(head)?.[1]?.toLowerCase() ?? 'utf-8';
}
