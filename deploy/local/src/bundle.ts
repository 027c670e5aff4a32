// Puts each service and all that it imports into a few files. A service consists of 2,200 modules, and finding and
// opening them one by one is more than half of its start. What is bundled is the build: nothing is transformed but imports.
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { serviceNames } from './ports.ts';
import { repositoryRoot } from './repository.ts';
import { bundleDirectory } from './services.ts';

/** Loaded from node_modules as ever: native code, what OpenTelemetry has to see being loaded, and what Nest looks for in vain. */
const external = [
  '@duckdb/*', 'onnxruntime-node', 'pg', 'pg-native', '@opentelemetry/*', 'pino', 'pino-http', 'express', 'swagger-ui-dist',
  '@nestjs/websockets', '@nestjs/microservices', '@nestjs/platform-socket.io', 'class-validator', 'class-transformer', '@fastify/*',
  '@mikro-orm/migrations', '@mikro-orm/seeder', '@mikro-orm/entity-generator', '@mikro-orm/reflection', '@as-integrations/*', '@apollo/*',
];

const ALL = 'all-services';
const entryPoints = {
  telemetry: join(repositoryRoot, 'libs/service-kit/dist/telemetry.js'),
  ...Object.fromEntries(serviceNames.map((name) => [name, join(repositoryRoot, `services/${name}/dist/main.js`)])),
  [ALL]: ALL,
};

/** For `--single`: the definitions of all services, and what boots them. */
const allServices: Plugin = {
  name: 'all services',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^${ALL}$`) }, () => ({ path: ALL, namespace: ALL }));
    onLoad({ filter: /.*/, namespace: ALL }, () => ({
      resolveDir: repositoryRoot,
      contents: [`export { boot } from '@vitae/service-kit';`, ...serviceNames.map((name) => `export { ${name} } from './services/${name}/dist/app.module.js';`)].join('\n'),
    }));
  },
};

/** A file that asks where it lies gets the answer from before it was moved: migrations and worker threads lie beside it. */
const whereItWas: Plugin = {
  name: 'where it was',
  setup({ onLoad }) {
    onLoad({ filter: /\.m?js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      return { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)), loader: 'js' };
    });
  },
};

/** Of everything that goes into the bundle: the build, the versions of the libraries, and this program. */
function fingerprint(): string {
  const hash = createHash('sha256');
  const built = globSync('{libs,services}/*/dist/**/*.{js,json}', { cwd: repositoryRoot }).sort();
  for (const file of [...built, 'package-lock.json', 'deploy/local/dist/bundle.js']) {
    const { size, mtimeMs } = statSync(join(repositoryRoot, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

const stamp = join(bundleDirectory, 'fingerprint');
const wanted = fingerprint();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  rmSync(bundleDirectory, { recursive: true, force: true });
  await build({
    entryPoints,
    outdir: bundleDirectory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    keepNames: true, // Nest logs and MikroORM looks classes up by name
    sourcemap: false,
    external,
    plugins: [allServices, whereItWas],
    // Bundled CommonJS still calls require for what stayed outside.
    banner: { js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = import.meta.filename; const __dirname = import.meta.dirname;` },
    logLevel: 'error',
  });
  writeFileSync(stamp, wanted);
}
