/** What whoever opens a file should know of it before. */
export type ContentFlag =
  /** Opening it in the usual way runs code that is in it: a pickle, a program, a script. */
  | 'runs-code'
  /** It holds other files. Nothing looked at those: archives are never unpacked here. */
  | 'archive'
  /** Its bytes are not what its name says. */
  | 'not-what-it-says';

/** What a file is by its bytes, e.g. onnx, pickle, zip, text; `unknown` says nothing of it. */
export interface Content {
  readonly content: string;
  readonly flags: readonly ContentFlag[];
}

/** How much of both ends `contentOf` looks at. */
export const LOOKED_AT_BYTES = 64 * 1024;

/**
 * What a file is, by the bytes at its ends. Nothing is opened, unpacked or run for it; so it finds what is written as
 * usual, and no disguise by somebody who means to hide it.
 */
export function contentOf(path: string, head: Uint8Array, tail: Uint8Array): Content {
  const [start, end] = [latin1(head), latin1(tail)];
  const content = kindOf(start, end);
  const flags: ContentFlag[] = [];
  if (CODE.has(content) || (content === 'zip' && /\.pkl|\.pickle/.test(start + end)) || (content === 'npy' && /'descr':\s*'\|O/.test(start))) flags.push('runs-code');
  if (ARCHIVES.has(content)) flags.push('archive');
  const expected = BY_EXTENSION[/\.([a-z0-9]+)$/.exec(path.toLowerCase())?.[1] ?? ''];
  if (expected && !expected.includes(content)) flags.push('not-what-it-says');
  return { content, flags };
}

const CODE: ReadonlySet<string> = new Set(['pickle', 'program', 'script']);
const ARCHIVES: ReadonlySet<string> = new Set(['zip', 'tar', 'gzip', 'bzip2', 'xz', 'zstd', 'lz4', '7z', 'rar']);

/** By the first bytes, as Latin-1. */
const BEGINNINGS: readonly (readonly [content: string, beginning: RegExp])[] = [
  ['zip', /^PK(\x03\x04|\x05\x06)/],
  ['gzip', /^\x1f\x8b/],
  ['bzip2', /^BZh[1-9]/],
  ['xz', /^\xfd7zXZ\0/],
  ['zstd', /^\x28\xb5\x2f\xfd/],
  ['lz4', /^\x04\x22\x4d\x18/],
  ['7z', /^7z\xbc\xaf\x27\x1c/],
  ['rar', /^Rar!\x1a\x07/],
  ['tar', /^[\s\S]{257}ustar/],
  ['hdf5', /^\x89HDF\r\n\x1a\n/],
  ['gguf', /^GGUF/],
  ['npy', /^\x93NUMPY/],
  ['parquet', /^PAR1/],
  ['png', /^\x89PNG\r\n/],
  ['jpeg', /^\xff\xd8\xff/],
  ['pdf', /^%PDF-/],
  ['program', /^(\x7fELF|MZ[\s\S]{58,}|\0asm|\xca\xfe\xba\xbe|[\xce\xcf]\xfa\xed\xfe)/],
  ['script', /^#!/],
  // Eight bytes of length, small enough for the upper three to be 0, and then JSON.
  ['safetensors', /^[\s\S]{5}\0\0\0\{/],
  // The protobuf field ir_version with a small number, and then a text or the graph.
  ['onnx', /^\x08[\x01-\x1f](\x12|\x1a|\x22|\x28|\x32|\x3a|\x42)/],
];

/** Protocols 2 to 5, and the ways in which 0 and 1 begin; all end with a full stop. */
const PICKLE = /^(\x80[\x02-\x05]|\(?[dl]p\d+\n|\(?[dl]?c[\w.]+\n[\w.]+\n|\(?i[\w.]+\n[\w.]+\n|[}\])]q[\s\S])/;

function kindOf(start: string, end: string): string {
  if (PICKLE.test(start) && end.endsWith('.')) return 'pickle';
  const known = BEGINNINGS.find(([, beginning]) => beginning.test(start))?.[0];
  if (known !== undefined) return known;
  if (/[\0-\x08\x0e-\x1f\x7f]/.test(start)) return 'unknown';
  return /^(\xef\xbb\xbf)?\s*[[{]/.test(start) ? 'json' : 'text';
}

/** What files with these endings are. `bin` and others may be anything. */
const BY_EXTENSION: Readonly<Record<string, readonly string[]>> = {
  onnx: ['onnx'],
  safetensors: ['safetensors'],
  gguf: ['gguf'],
  json: ['json'],
  txt: ['text', 'json'],
  md: ['text', 'json'],
  csv: ['text', 'json'],
  yaml: ['text', 'json'],
  yml: ['text', 'json'],
  h5: ['hdf5'],
  hdf5: ['hdf5'],
  keras: ['zip', 'hdf5'],
  npy: ['npy'],
  npz: ['zip'],
  parquet: ['parquet'],
  pt: ['zip', 'pickle', 'tar'],
  pth: ['zip', 'pickle', 'tar'],
  pkl: ['pickle'],
  pickle: ['pickle'],
  zip: ['zip'],
  tar: ['tar'],
  gz: ['gzip'],
  tgz: ['gzip'],
  png: ['png'],
  jpg: ['jpeg'],
  jpeg: ['jpeg'],
  pdf: ['pdf'],
};

/** Each byte as the character of its number; piece by piece, for a call takes only so many arguments. */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}
