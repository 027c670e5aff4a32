import { Command, CommanderError } from 'commander';
import { registerErase } from './erase.ts';
import { registerEvidence } from './evidence.ts';
import { registerFsck } from './fsck.ts';
import { registerDiff, registerHistory } from './history.ts';
import { registerProve } from './prove.ts';
import { registerRebuild } from './rebuild.ts';
import { registerVerify } from './verify.ts';
import { registerWebhooks } from './webhooks.ts';

// One line here for each command; what it does is in the file of its name.
const commands: readonly ((program: Command) => void)[] = [registerVerify, registerProve, registerEvidence, registerFsck, registerWebhooks, registerErase, registerHistory, registerDiff, registerRebuild];

// Whoever reads us may have read enough (`vitae … | head`): that is no error, and the exit code stays what it is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const program = new Command('vitae')
  .description('Asks and checks Vitae, the system of record for AI models in production.')
  .addHelpText('after', '\nExit codes: 0 all is well, 1 a problem was found, 2 the command was used wrongly or could not run.')
  .showHelpAfterError('(--help says how to use it)')
  .exitOverride();
for (const register of commands) register(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own message; its 1 for a wrong use is our 2.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
