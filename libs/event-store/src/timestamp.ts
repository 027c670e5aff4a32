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
