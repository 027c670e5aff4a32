import { AsyncLocalStorage } from 'node:async_hooks';

/** What the setting `vitae.projects` of a connection says: names joined by commas, or one of these. */
const EVERYTHING = '*';
const NOTHING = '';

const scopes = new AsyncLocalStorage<{ projects: string }>();

/**
 * Runs a request, and all that comes of it, in a scope of its own. It sees no project until somebody allows it one, so
 * that a route which nobody guards shows nothing.
 */
export const inRequest = <T>(work: () => T): T => scopes.run({ projects: NOTHING }, work);

/**
 * Lets the request at hand see these projects as well, or all of them. For whoever has just authorised it; no one else.
 * Outside of a request it changes nothing.
 */
export function allow(projects: readonly string[] | typeof EVERYTHING): void {
  const scope = scopes.getStore();
  if (!scope || scope.projects === EVERYTHING) return;
  if (projects === EVERYTHING) {
    scope.projects = EVERYTHING;
    return;
  }
  const wrong = projects.find((project) => !/^[^,*\s]+$/.test(project));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} is not the name of a project; a request cannot be let into it`);
  scope.projects = [...new Set([...scope.projects.split(','), ...projects])].filter(Boolean).sort().join(',');
}

/**
 * Runs work that has to look across projects although the caller may not: whether bytes are still needed by anybody, for
 * example. What it answers MUST NOT tell the caller anything of another project. Say at each use why.
 */
export const everyProject = <T>(work: () => T): T => scopes.run({ projects: EVERYTHING }, work);

/** For whom the database is asked just now. Outside of any request for everybody: no caller can get there. */
export const projectsNow = (): string => scopes.getStore()?.projects ?? EVERYTHING;
