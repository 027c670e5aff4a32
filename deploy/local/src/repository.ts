import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the clone. Both src/ and dist/ lie three levels below it. */
export const repositoryRoot = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** Where `npm start` keeps everything that outlives it. */
export const dataDirectory = join(repositoryRoot, '.data');
