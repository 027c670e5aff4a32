import { Command, CommanderError } from 'commander';
import { registerCompletion } from './completion.ts';
import { registerDatasets } from './datasets.ts';
import { registerErase } from './erase.ts';
import { registerEvaluations } from './evaluations.ts';
import { registerEvidence } from './evidence.ts';
import { registerFsck } from './fsck.ts';
import { registerDiff, registerHistory } from './history.ts';
import { registerLineage } from './lineage.ts';
import { registerLogin } from './login.ts';
import { registerModels } from './models.ts';
import { registerProve } from './prove.ts';
import { registerRebuild } from './rebuild.ts';
import { registerTokens } from './tokens.ts';
import { registerVerify } from './verify.ts';
import { registerVersions } from './versions.ts';
import { registerWebhooks } from './webhooks.ts';
import { registerWhoami } from './whoami.ts';

// One line here for each command; what it does is in the file of its name.
const commands: readonly ((program: Command) => void)[] = [
  registerLogin, registerWhoami, registerTokens,
  registerModels, registerVersions, registerDatasets, registerEvaluations, registerLineage,
  registerVerify, registerProve, registerEvidence, registerFsck, registerHistory, registerDiff, registerWebhooks, registerErase, registerRebuild, registerCompletion,
];

/** The command line, new: a parser remembers what it parsed. */
export function newProgram(): Command {
  const program = new Command('vitae')
    .description('Asks and checks Vitae, the system of record for AI models in production.')
    .addHelpText('after', '\nExit codes: 0 all is well, 1 a problem was found, 2 the command was used wrongly or could not run.')
    .showHelpAfterError('(--help says how to use it)')
    .exitOverride();
  for (const register of commands) register(program);
  return program;
}

/** Runs one command line. What it has to say it prints; the exit code is the process's. */
export async function runVitae(args: readonly string[]): Promise<void> {
  try {
    await newProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has printed its own message; its 1 for a wrong use is our 2.
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
