import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Megabytes that a process and all below it hold now; what they share is counted once (PSS). NaN where there is no /proc. */
export const memoryOf = (root: number): number => ofAll(root, heldBy);

/** Seconds of CPU that a process and all below it have used. NaN where there is no /proc. */
export const cpuOf = (root: number): number => ofAll(root, usedBy);

function ofAll(root: number, what: (pid: number) => number): number {
  try {
    const parents = new Map(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), Number(fieldOf(Number(name), 4))]));
    const within = (pid: number): boolean => pid === root || (parents.has(pid) && within(parents.get(pid) ?? 0));
    return [...parents.keys()].filter(within).reduce((sum, pid) => sum + what(pid), 0);
  } catch {
    return Number.NaN;
  }
}

const heldBy = (pid: number): number => Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024;
const usedBy = (pid: number): number => (fieldOf(pid, 14) + fieldOf(pid, 15)) / ticksPerSecond;

/** proc_pid_stat(5). The name stands in parentheses and may hold anything, so count from the last one. */
function fieldOf(pid: number, n: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[n - 3] ?? 0);
}

/** Empty for a process that ended while we looked. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;
