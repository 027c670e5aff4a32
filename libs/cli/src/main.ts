import { runVitae } from './program.ts';

// Whoever reads us may have read enough (`vitae … | head`): that is no error, and the exit code stays what it is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await runVitae(process.argv.slice(2));
