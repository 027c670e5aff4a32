import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Python of its own in the directory, with what the file of requirements names; or why there is none. */
export async function installPython(directory: string, requirements: string): Promise<string | { readonly why: string }> {
  const environment = join(directory, 'venv');
  try {
    await run('python3', ['-m', 'venv', environment]);
    await run(join(environment, 'bin/pip'), ['install', '--quiet', '-r', requirements], { timeout: 300_000 });
    return join(environment, 'bin/python');
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    return { why: code === 'ENOENT' ? 'no Python' : `what it is asked with cannot be installed: ${stderr.trim().split('\n').at(-1)}` };
  }
}
