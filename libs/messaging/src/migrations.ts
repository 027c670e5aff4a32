/** Where this lib's own numbered SQL lies; see `migrate` of the event store. */
export const messagingMigrations = { schema: 'messaging', directory: new URL('../migrations/', import.meta.url) };
