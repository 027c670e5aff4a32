import type { Migrations } from '@vitae/event-store';

/** People, their accounts and the API tokens. Every service with a database brings them, for every one calls their functions. */
export const accessMigrations: Migrations = { schema: 'access', directory: new URL('../../migrations/access/', import.meta.url) };
