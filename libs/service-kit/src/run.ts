import { Logger } from '@nestjs/common';
import { boot, type Running } from './boot.ts';
import { ConfigError, type BaseConfig } from './config.ts';
import type { ServiceDefinition } from './definition.ts';
import { rebuildCommand } from './rebuild/rebuild-command.ts';
import { telemetry } from './telemetry-handle.ts';

/** Longest that a stop may take before the process ends anyway, in milliseconds. */
const PATIENCE = 12_000;

/**
 * The whole main of a service's process: starts it with the process's environment, stops it on SIGTERM, SIGINT or when
 * the parent that it was forked from is gone. Exit code 0 after a stop, 1 when it could not start or broke.
 * With `rebuild` as its first argument it rebuilds the views instead (see rebuild/rebuild-command.ts).
 */
export async function run<C extends BaseConfig>(definition: ServiceDefinition<C>): Promise<void> {
  if (process.argv[2] === 'rebuild') process.exit(await rebuildCommand(definition, process.argv.slice(3), process.env));
  let service: Running | undefined;
  let ending = false;
  const end = async (code: number): Promise<void> => {
    // Ctrl-C reaches us from the terminal and again from the launcher: one stop, and time bounds it.
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), PATIENCE).unref();
    try {
      await service?.stop();
      await telemetry.running?.stop();
    } catch (error) {
      new Logger('Run').error({ err: error, msg: 'the stop was not clean' });
      code = 1;
    }
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(0));
  if (process.channel) process.once('disconnect', () => void end(0));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      if (ending) return;
      new Logger('Run').fatal({ err: error, msg: `${definition.name} met an error that nobody handles (${event}) and ends` });
      void end(1);
    });
  }

  try {
    service = await boot(definition, process.env);
  } catch (error) {
    process.stderr.write(`${failure(definition.name, error)}\n`);
    process.exit(1);
  }
}

/** A setting that is wrong or a server that is away needs a sentence; only what nobody foresaw needs a stack. */
function failure(service: string, error: unknown): string {
  if (!(error instanceof Error)) return `${service} cannot start: ${String(error)}`;
  if (error instanceof ConfigError || error.message.startsWith(`${service} cannot`)) return error.message;
  const { code } = error as { code?: unknown };
  if (code === 'EADDRINUSE') return `${service} cannot start: ${error.message}. Another process has the port; stop it, or set PORT.`;
  return `${service} cannot start: ${error.stack ?? error.message}`;
}
