// The local OpenID provider as a program of its own, so that nothing that the launcher does can make a login wait.
import { serveIdentity, type IdentitySettings } from './server.ts';

const { stop } = await serveIdentity(JSON.parse(process.env['VITAE_IDENTITY'] ?? '{}') as IdentitySettings);
const end = (): void => void stop().then(() => process.exit(0));
process.once('SIGTERM', end);
process.once('SIGINT', end);
