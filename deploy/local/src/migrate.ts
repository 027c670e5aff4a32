// Brings a database up to date before services start that only check (VITAE_MIGRATIONS=check): all schemas, as their
// owner, and the roles with their rights. `DATABASE_URL=… node deploy/local/dist/migrate.js`; may be run again at any time.
import { applyMigrations, makeRoles } from './prepare-database.ts';

const url = process.env['DATABASE_URL'];
if (!url) {
  console.error('DATABASE_URL is missing: the address of the database, with a user who is a member of vitae_owner or may make roles.');
  process.exit(1);
}
try {
  const applied = await applyMigrations(url);
  console.log(applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.join(', ')}.`);
  if (!(await makeRoles(url))) console.log('This user may not make roles, so the services have to share one; see libs/event-store/README.md.');
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
