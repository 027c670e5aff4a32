/** The bytes asked for: all of them, some (both ends count, from 0), or what lies beyond the end. */
export type Wanted =
  | { readonly is: 'whole' }
  | { readonly is: 'part'; readonly start: number; readonly end: number }
  | { readonly is: 'unsatisfiable' };

/**
 * What a request's Range header asks of so many bytes (RFC 9110, section 14). One range is served; several, another
 * unit, and a header that cannot be read are answered with the whole, as the standard allows.
 *
 * @param ifRange the If-Range header: the range counts only if it names these bytes.
 * @param tag the strong entity tag of these bytes. Bytes named by their digest never change, so a tag that differs is of other bytes.
 */
export function wantedBytes(range: string | undefined, sizeBytes: number, { ifRange, tag }: { readonly ifRange?: string | undefined; readonly tag: string }): Wanted {
  if (range === undefined || (ifRange !== undefined && ifRange.trim() !== tag)) return { is: 'whole' };
  const [, first = '', last = ''] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(range) ?? [];
  if (first === '' && last === '') return { is: 'whole' };
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? { is: 'unsatisfiable' } : { is: 'part', start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== '' && Number(last) < start) return { is: 'whole' };
  return start >= sizeBytes ? { is: 'unsatisfiable' } : { is: 'part', start, end };
}
