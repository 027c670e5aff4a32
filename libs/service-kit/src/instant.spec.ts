import { expect, it } from '@jest/globals';
import { instant } from './instant.ts';

it.each(['2026-03-03T12:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999-15:59', '2026-03-03T12:00:00+05:30'])('%s is a point in time', (text) => expect(instant.safeParse(text).success).toBe(true));
it.each(['0000-01-01T00:00:00Z', '0846-11-20T18:20:09.49934-18:34', '2026-03-03T12:00:00+16:00', '2026-03-03', '2026-02-30T00:00:00Z', '2026-03-03T12:00:00', ''])('%s is none that a table keeps', (text) => expect(instant.safeParse(text).success).toBe(false));
