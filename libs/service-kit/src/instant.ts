import { z } from 'zod';

/** A point in time, RFC 3339 with an offset, that PostgreSQL reads as well: it knows no year 0, and no place 16 hours off Greenwich. */
export const instant = z.iso.datetime({ offset: true }).refine((text) => /^(?!0000).*(?:Z|[+-](?:0\d|1[0-5]):[0-5]\d)$/.test(text), 'expected a time from the year 0001 on, with an offset of at most 15:59, such as 2026-03-03T12:00:00Z');
