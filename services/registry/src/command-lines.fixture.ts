// One process that runs many command lines of `vitae`, one after the other: a start for each takes a second of a busy machine.
// Reads `{ args, env }` as JSON lines, answers `{ code, stdout, stderr }`.
import { createInterface } from 'node:readline';
import { runVitae } from '@vitae/cli';

const out = process.stdout.write.bind(process.stdout);
const said = { stdout: '', stderr: '' };
for (const name of ['stdout', 'stderr'] as const) {
  process[name].write = (chunk: string | Uint8Array): boolean => {
    said[name] += chunk.toString();
    return true;
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { args, env } = JSON.parse(line) as { args: string[]; env: NodeJS.ProcessEnv };
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  Object.assign(said, { stdout: '', stderr: '' });
  process.exitCode = 0;
  await runVitae(args);
  out(`${JSON.stringify({ code: process.exitCode, ...said })}\n`);
}
process.exitCode = 0;
