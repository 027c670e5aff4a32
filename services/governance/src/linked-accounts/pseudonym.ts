import { z } from 'zod';

/** A person's id as it stands in events. */
export const pseudonym = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, "expected a person's actor id, for example dana");
