import { TILE_WIDTH } from './tile.ts';

/** A bundle's bytes are not what they must be. */
export class BundleInvalid extends Error {
  override readonly name = 'BundleInvalid';
}

const MOST_ENTRY_BYTES = 0xffff;
const TAB = 0x09;
const NEWLINE = 0x0a;

/** The bytes behind one entry, as they lie in the ledger. */
export interface EventLine {
  readonly payload: Buffer;
  readonly metadata: Buffer;
  /** Joined by one space. */
  readonly subjects: Buffer;
  /** What the entry's contextHash covers: metadata ‖ newline ‖ subjects. */
  readonly context: Buffer;
}

/** As much of a bundle as could be read, and why not the rest. */
export interface Read<Item> {
  readonly items: readonly Item[];
  readonly fault?: string;
}

/** An entry bundle: at most 256 entries, each behind its length as a big-endian uint16. @throws BundleInvalid */
export function encodeEntries(entries: readonly Uint8Array[]): Buffer {
  mustFit(entries.length);
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.length > MOST_ENTRY_BYTES) throw new BundleInvalid(`an entry has ${entry.length} bytes; a bundle holds entries of at most ${MOST_ENTRY_BYTES}`);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(entry.length);
    parts.push(length, entry);
  }
  return Buffer.concat(parts);
}

/** The entries of a bundle, as views into its bytes. @throws BundleInvalid */
export function decodeEntries(bytes: Uint8Array): readonly Buffer[] {
  return whole(readEntries(bytes));
}

/** Like decodeEntries, up to the first fault. */
export function readEntries(bytes: Uint8Array): Read<Buffer> {
  const bundle = bufferOver(bytes);
  const items: Buffer[] = [];
  for (let at = 0; at < bundle.length; ) {
    const begin = at + 2;
    const end = begin <= bundle.length ? begin + bundle.readUInt16BE(at) : Infinity;
    if (end > bundle.length) return { items, fault: `the entry bundle ends in the middle of its entry ${items.length}` };
    items.push(bundle.subarray(begin, end));
    at = end;
  }
  return { items };
}

/** What an events bundle holds for one event: `<payload>\t<metadata>\t<subjects joined by one space>\n`. @throws BundleInvalid */
export function eventLine(event: { readonly payload: string; readonly metadata: string; readonly subjects: readonly string[] }): string {
  const fields = [event.payload, event.metadata, event.subjects.join(' ')];
  // Canonical JSON escapes both characters, so that a line always has three fields.
  const torn = fields.findIndex((field) => field.includes('\t') || field.includes('\n'));
  if (torn !== -1) throw new BundleInvalid(`the event's ${['payload', 'metadata', 'subjects'][torn]} holds a raw tab or newline, so it is not canonical`);
  return `${fields.join('\t')}\n`;
}

/** The lines of an events bundle, as views into a copy of its bytes. @throws BundleInvalid */
export function decodeEvents(bytes: Uint8Array): readonly EventLine[] {
  return whole(readEvents(bytes));
}

/** Like decodeEvents, up to the first fault. */
export function readEvents(bytes: Uint8Array): Read<EventLine> {
  const bundle = Buffer.from(bytes);
  const items: EventLine[] = [];
  for (let at = 0; at < bundle.length; ) {
    const end = bundle.indexOf(NEWLINE, at);
    if (end === -1) return { items, fault: `the events bundle ends in the middle of its line ${items.length}` };
    const first = bundle.indexOf(TAB, at);
    const second = first === -1 ? -1 : bundle.indexOf(TAB, first + 1);
    const third = second === -1 ? -1 : bundle.indexOf(TAB, second + 1);
    if (second === -1 || second > end || (third !== -1 && third < end)) return { items, fault: `line ${items.length} of the events bundle has not three fields` };
    bundle[second] = NEWLINE; // the copy is ours: so metadata and subjects lie together as they were hashed
    items.push({
      payload: bundle.subarray(at, first),
      metadata: bundle.subarray(first + 1, second),
      subjects: bundle.subarray(second + 1, end),
      context: bundle.subarray(first + 1, end),
    });
    at = end + 1;
  }
  return { items };
}

function whole<Item>({ items, fault }: Read<Item>): readonly Item[] {
  if (fault !== undefined) throw new BundleInvalid(fault);
  mustFit(items.length);
  return items;
}

function mustFit(count: number): void {
  if (count > TILE_WIDTH) throw new BundleInvalid(`a bundle holds at most ${TILE_WIDTH} entries, not ${count}`);
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
