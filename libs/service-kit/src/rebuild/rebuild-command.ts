import type { BaseConfig } from '../config.ts';
import type { ServiceDefinition } from '../definition.ts';
import { differs } from './compare-tables.ts';
import { RebuildNotPossible, rebuildViews } from './rebuild-views.ts';

/**
 * `main.js rebuild [--compare]`: rebuilds the service's views in a process of its own, while the service runs elsewhere.
 * Needs DATABASE_URL only. Prints one JSON object a line: `{ progress }`, and at the end `{ report }` or `{ error }`.
 *
 * @returns the exit code: 0 done; 1 `--compare` found differences; 2 not possible.
 */
export async function rebuildCommand<C extends BaseConfig>(definition: ServiceDefinition<C>, options: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  try {
    const unknown = options.find((option) => option !== '--compare');
    if (unknown !== undefined) throw new RebuildNotPossible(`rebuild takes --compare only, not ${unknown}`);
    const url = env['DATABASE_URL'];
    if (!url) throw new RebuildNotPossible('DATABASE_URL is missing: the database, with the owner of the schemas as its user');
    const swap = !options.includes('--compare');
    const report = await rebuildViews(definition as ServiceDefinition, url, { swap, signal: stop.signal, onProgress: (progress) => tell({ progress }) });
    tell({ report });
    return !swap && report.tables.some(differs) ? 1 : 0;
  } catch (error) {
    tell({ error: (error as Error).message });
    return 2;
  }
}
