// `npm start -- --single`: every service in this one process. It saves memory, at the price of one fate for all.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { serviceNames, type ServiceName } from './ports.ts';
import { bundleDirectory } from './services.ts';

interface Running {
  stop(): Promise<void>;
}

/** The bundle of all services, as far as it is used here. The launcher must not depend on what it launches, so it is loaded by its place. */
type AllServices = Record<ServiceName, unknown> & { boot(definition: unknown, env: NodeJS.ProcessEnv): Promise<Running> };

const services = (await import(pathToFileURL(join(bundleDirectory, 'all-services.mjs')).href)) as AllServices;
const environments = JSON.parse(process.env['VITAE_SERVICE_ENVIRONMENTS'] ?? '{}') as Record<ServiceName, NodeJS.ProcessEnv>;

const start = (name: ServiceName): Promise<Running> => services.boot(services[name], { ...process.env, ...environments[name] });

const running = await Promise.all(serviceNames.map(start));
const stop = async (): Promise<void> => {
  const ends = await Promise.allSettled(running.map((service) => service.stop()));
  for (const end of ends) if (end.status === 'rejected') console.error(end.reason);
  process.exit(ends.every((end) => end.status === 'fulfilled') ? 0 : 1);
};
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
