// `npm start -- --single`: every service in this one process. It saves memory, at the price of one fate for all.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { serviceNames, type ServiceName } from './ports.ts';
import { repositoryRoot } from './repository.ts';

interface Running {
  stop(): Promise<void>;
}

/** The part of @vitae/service-kit that is used here. The launcher must not depend on what it launches, so it is loaded by name. */
interface ServiceKit {
  boot(definition: unknown, env: NodeJS.ProcessEnv): Promise<Running>;
}

const kitName: string = '@vitae/service-kit';
await import(`${kitName}/telemetry`); // before anything loads http and pg
const kit = (await import(kitName)) as ServiceKit;
const environments = JSON.parse(process.env['VITAE_SERVICE_ENVIRONMENTS'] ?? '{}') as Record<ServiceName, NodeJS.ProcessEnv>;

async function start(name: ServiceName): Promise<Running> {
  const module = pathToFileURL(join(repositoryRoot, 'services', name, 'dist', 'app.module.js')).href;
  const definitions = (await import(module)) as Record<string, unknown>;
  if (!definitions[name]) throw new Error(`services/${name}/src/app.module.ts exports no \`${name}\`.`);
  return kit.boot(definitions[name], { ...process.env, ...environments[name] });
}

const running = await Promise.all(serviceNames.map(start));
const stop = async (): Promise<void> => {
  const ends = await Promise.allSettled(running.map((service) => service.stop()));
  for (const end of ends) if (end.status === 'rejected') console.error(end.reason);
  process.exit(ends.every((end) => end.status === 'fulfilled') ? 0 : 1);
};
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
