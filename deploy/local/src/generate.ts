// `npm run generate`: the contracts out of proto/, then the types of the client and the page of permissions out of the services' routes.
import { execFileSync } from 'node:child_process';
import { generateClient } from './generate-client.ts';
import { generatePermissions } from './generate-permissions.ts';
import { repositoryRoot } from './repository.ts';

execFileSync('node_modules/.bin/buf', ['generate', '--template', 'proto/buf.gen.yaml'], { cwd: repositoryRoot, stdio: 'inherit' });
await generateClient();
await generatePermissions();
