import { crc32 } from 'node:zlib';

/** The bytes are no zip of the one form that an evidence pack has. */
export class ZipInvalid extends Error {
  override readonly name = 'ZipInvalid';
}

export interface OpenedZip {
  readonly files: ReadonlyMap<string, Buffer>;
  /** Absent: the bytes are exactly those that zipOf makes of these files. */
  readonly fault?: string;
}

/*
 * A zip that any program opens, with one spelling only: nothing compressed, no times, no comments, no extra fields, no folders,
 * no encryption, not beyond 4 GiB. Every byte of it follows from names and contents, so that a reader can write it anew and
 * compare; there is nowhere to hide anything, nothing that swells, and no path that leads out of a directory.
 */
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const VERSION = 10;
/** 1 January 1980, the earliest that a zip can say. */
const NO_DATE = 0x0021;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MOST_FILES = 64;
const MOST_BYTES = 0xffff_ffff;

/** The one zip of these files, in their order. @throws ZipInvalid */
export function zipOf(files: ReadonlyMap<string, Uint8Array>): Buffer {
  if (files.size > MOST_FILES) throw new ZipInvalid(`${files.size} files are too many for a pack; it holds at most ${MOST_FILES}`);
  const locals: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, bytes] of files) {
    if (!NAME.test(name)) throw new ZipInvalid(`${JSON.stringify(name)} cannot be the name of a file in a pack`);
    const common = commonHeader(name, bytes);
    const local = Buffer.alloc(4);
    local.writeUInt32LE(LOCAL);
    locals.push(local, common, Buffer.from(name), bytes);
    directory.push(centralHeader(common, at), Buffer.from(name));
    at += LOCAL_BYTES + name.length + bytes.length;
    if (at > MOST_BYTES) throw new ZipInvalid('the pack would be larger than 4 GiB');
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([...locals, ...directory, endOf(files.size, length, at)]);
}

/**
 * The files of such a zip, as views into its bytes. A file whose bytes do not fit their checksum is answered like the others,
 * with the fault: so that whoever knows what is in it can say what was changed.
 * @throws ZipInvalid when it cannot even be taken apart.
 */
export function openZip(bytes: Uint8Array): OpenedZip {
  const zip = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const files = new Map<string, Buffer>();
  for (let at = 0; zip.length - at >= LOCAL_BYTES && zip.readUInt32LE(at) === LOCAL; ) {
    const nameEnd = at + LOCAL_BYTES + zip.readUInt16LE(at + 26);
    const end = nameEnd + zip.readUInt32LE(at + 22);
    if (end > zip.length) throw new ZipInvalid(`the file at byte ${at} of the pack goes beyond its end: the pack was cut or changed`);
    const name = zip.toString('latin1', at + LOCAL_BYTES, nameEnd);
    if (!NAME.test(name)) throw new ZipInvalid(`the file at byte ${at} of the pack is named ${JSON.stringify(name)}; no pack names a file so`);
    if (files.has(name)) throw new ZipInvalid(`${name} is in the pack twice`);
    if (files.size === MOST_FILES) throw new ZipInvalid(`there are more than ${MOST_FILES} files in the pack`);
    files.set(name, zip.subarray(nameEnd, end));
    at = end;
  }
  if (files.size === 0) throw new ZipInvalid('the file is no evidence pack: it does not begin with a stored file, without compression');
  const fault = faultOf(zip, files);
  return { files, ...(fault === undefined ? {} : { fault }) };
}

function faultOf(zip: Buffer, files: ReadonlyMap<string, Buffer>): string | undefined {
  const proper = zipOf(files);
  if (proper.equals(zip)) return undefined;
  const length = Math.min(proper.length, zip.length);
  let at = 0;
  while (at < length && proper[at] === zip[at]) at += 1;
  let end = 0;
  for (const [name, bytes] of files) {
    end += LOCAL_BYTES + name.length + bytes.length;
    if (at < end) return `${name} does not fit its own header in the pack: one of them was changed (byte ${at})`;
  }
  return `the directory of the pack is not the one that its files have (byte ${at})`;
}

/** What the header before a file and its line in the directory have in common: version to lengths. */
function commonHeader(name: string, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(LOCAL_BYTES - 4);
  header.writeUInt16LE(VERSION, 0);
  header.writeUInt16LE(NO_DATE, 8);
  header.writeUInt32LE(crc32(bytes), 10);
  header.writeUInt32LE(bytes.length, 14);
  header.writeUInt32LE(bytes.length, 18);
  header.writeUInt16LE(name.length, 22);
  return header;
}

function centralHeader(common: Buffer, at: number): Buffer {
  const header = Buffer.alloc(CENTRAL_BYTES);
  header.writeUInt32LE(CENTRAL, 0);
  header.writeUInt16LE(VERSION, 4);
  common.copy(header, 6);
  header.writeUInt32LE(at, 42);
  return header;
}

function endOf(count: number, length: number, at: number): Buffer {
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(length, 12);
  end.writeUInt32LE(at, 16);
  return end;
}
