import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeLog } from './written-log.ts';

export interface InteropResult {
  readonly passed: number;
  readonly failed: number;
  /** Why nothing was checked. */
  readonly skipped?: string;
}

/** Either side of a full tile, of a full level, and of three levels. */
const SIZES = [1, 2, 255, 256, 257, 1000, 65_536, 70_000];
const PROGRAM = fileURLToPath(new URL('../../interop/', import.meta.url));
const run = promisify(execFile);

/**
 * Are the logs that libs/transparency writes what others take for a log? Writes some, of sizes at which tiles begin and end, and
 * lets Go's own verifiers (golang.org/x/mod/sumdb) look at the files: a line for each check.
 */
export async function interop(say: (line: string) => void): Promise<InteropResult> {
  if (!(await hasGo())) return { passed: 0, failed: 0, skipped: 'no Go toolchain' };
  const directory = await mkdtemp(join(tmpdir(), 'vitae-interop-'));
  try {
    for (const size of SIZES) await writeLog(join(directory, String(size)), size);
    const lines = (await check(directory)).split('\n').filter((line) => line !== '');
    if (lines.length === 0) lines.push('FAIL the Go program checked nothing');
    for (const line of lines) say(line);
    const passed = lines.filter((line) => line.startsWith('ok ')).length;
    return { passed, failed: lines.length - passed };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the Go program says. When it does not even build, that is one failed check. */
async function check(directory: string): Promise<string> {
  try {
    return (await run('go', ['run', '.', directory], { cwd: PROGRAM, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return `${stdout}\nFAIL the Go program did not end well: ${stderr.trim().replaceAll('\n', ' | ') || String(error)}`;
  }
}

async function hasGo(): Promise<boolean> {
  try {
    await run('go', ['version']);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return false;
    throw error;
  }
}
