import { fileURLToPath } from 'node:url';

/** This file is test/chaos/places.ts for a spec and test/dist/chaos/places.js when it is built. */
const fromSource = import.meta.url.endsWith('.ts');
const root = new URL(fromSource ? '../../' : '../../../', import.meta.url);
const at = (path: string): string => fileURLToPath(new URL(path, root));

/** A program of this folder, as it was built: what is started must be able to die without a test runner. */
export const programOf = (name: 'writer' | 'consumer'): string => at(`test/dist/chaos/${name}.js`);

/** The ledger service as `npm start` runs it. */
export const ledgerBundle = { program: at('deploy/local/dist/services/ledger.mjs'), telemetry: new URL('deploy/local/dist/services/telemetry.mjs', root).href };

/** The command `vitae`. */
export const vitaeCommand: string = at('libs/cli/bin/vitae.mjs');
