const PRINTED = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?([+-]\d\d)(?::?(\d\d))?$/;

/**
 * A timestamptz as PostgreSQL prints it (DateStyle ISO, any TimeZone) as RFC 3339 in UTC with microseconds: what the
 * contract's Timestamp prints, too. Printing it so in SQL costs more than reading the row.
 */
export function rfc3339(printed: string): string {
  const [, date, time, fraction = '', hours, minutes = '00'] = PRINTED.exec(printed) ?? [];
  if (date === undefined || time === undefined || hours === undefined) throw new Error(`not a timestamp of PostgreSQL in ISO style: ${printed}`);
  const micros = fraction.padEnd(6, '0');
  if (hours === '+00' && minutes === '00') return `${date}T${time}.${micros}Z`;
  return `${new Date(`${date}T${time}${hours}:${minutes}`).toISOString().slice(0, 19)}.${micros}Z`;
}

const MILLIS = /^\d{4}-\d\d-(?:[01]\d|2[0-8])T(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{3}Z$/;

/**
 * Whether a valid time in RFC 3339 is already what Date prints of it. Not asked of days that some months lack, which Date
 * may turn into others: printing them anew is right, too, only slower.
 */
export function isInMillis(time: unknown): time is string {
  return typeof time === 'string' && MILLIS.test(time);
}

/** Milliseconds from 1970 to 2000, where PostgreSQL counts from. */
const EPOCH = 946_684_800_000;

let second = Number.NaN;
let upToSecond = '';

/** The same of a timestamptz as PostgreSQL sends it in binary: microseconds since 2000. */
export function rfc3339Of(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  if (seconds !== second) { // neighbours in the ledger mostly share it, and printing it is nearly all the work
    second = seconds;
    upToSecond = new Date(seconds * 1000 + EPOCH).toISOString().slice(0, 20);
  }
  return `${upToSecond}${String(1_000_000 + micros - seconds * 1_000_000).slice(1)}Z`;
}
