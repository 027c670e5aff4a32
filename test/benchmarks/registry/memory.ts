import { readdirSync, readFileSync } from 'node:fs';

/** Megabytes that a process and all below it hold now; what they share is counted once (PSS). NaN where there is no /proc. */
export function memoryOf(root: number): number {
  try {
    const parents = new Map(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), parentOf(Number(name))]));
    const within = (pid: number): boolean => pid === root || (parents.has(pid) && within(parents.get(pid) ?? 0));
    return [...parents.keys()].filter(within).reduce((sum, pid) => sum + heldBy(pid), 0);
  } catch {
    return Number.NaN;
  }
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0; // it ended while we looked
  }
}

function heldBy(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
