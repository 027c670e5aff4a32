import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Seconds of CPU that a process and its children have used. Undefined where there is no /proc. */
export function cpuSecondsOf(root: number): number | undefined {
  try {
    for (;;) {
      const own = usageOf(root);
      const ticks = own.ticks + own.ofReaped + ticksOfChildren(root);
      if (usageOf(root).ofReaped === own.ofReaped) return ticks / ticksPerSecond; // else a child ended while we looked, and may stand in neither
    }
  } catch {
    return undefined;
  }
}

function ticksOfChildren(root: number): number {
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const child = usageOf(Number(name));
      if (child.parent === root) ticks += child.ticks + child.ofReaped;
    } catch {
      // it ended while we looked; its parent has reaped it and holds its time
    }
  }
  return ticks;
}

/** Seconds of CPU that this process has used: load generator, clients, and what of the product runs in them. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

interface Usage {
  readonly parent: number;
  readonly ticks: number;
  /** Of children that have ended. */
  readonly ofReaped: number;
}

/** proc_pid_stat(5). The name stands in parentheses and may hold anything, so count from the last one. */
function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (n: number): number => Number(fields[n - 3]); // the third field is the first one here
  return { parent: field(4), ticks: field(14) + field(15), ofReaped: field(16) + field(17) };
}

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;
