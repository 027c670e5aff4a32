import { setTimeout as sleep } from 'node:timers/promises';

/** Between two looks when nothing is due, in milliseconds. */
const SHORTEST = 20;
const LONGEST = 500;

export interface Lanes {
  /** There may be something to do soon. */
  wake(): void;
  /** Whether turns should end early. */
  readonly stopping: boolean;
  /** Takes nothing new, waits a little for turns under way, has `breakOff` end what is not done, and waits for that. */
  stop(breakOff: () => Promise<void>): Promise<void>;
}

export interface LaneOptions<Claim> {
  /** Turns at the same time: a slow receiver takes one lane and no more. */
  readonly lanes: number;
  /** Longest that a stop waits for turns under way, in milliseconds. */
  readonly patienceMs: number;
  /** Looks for something to do. Undefined: nothing is due. MUST NOT throw. */
  readonly claim: (room: boolean) => Promise<Claim | undefined>;
  /** Works on it. MUST NOT throw. */
  readonly turn: (claim: Claim) => Promise<void>;
}

/** Looks for what is due, ever less often while nothing is, and works on several things side by side. */
export function openLanes<Claim>({ lanes, patienceMs, claim, turn }: LaneOptions<Claim>): Lanes {
  const running = new Set<Promise<void>>();
  let idle = SHORTEST;
  let woken = new AbortController();
  let stopping = false;
  const wake = (): void => {
    idle = SHORTEST;
    woken.abort();
  };
  const loop = async (): Promise<void> => {
    while (!stopping) {
      const found = await claim(running.size < lanes);
      if (found !== undefined) {
        const one = turn(found).finally(() => {
          running.delete(one);
          wake();
        });
        running.add(one);
        idle = SHORTEST;
      } else {
        await sleep(idle, undefined, { signal: woken.signal }).catch(() => undefined);
        idle = woken.signal.aborted ? SHORTEST : Math.min(idle * 2, LONGEST);
        woken = new AbortController();
      }
    }
  };
  const looping = loop();
  return {
    wake,
    get stopping() {
      return stopping;
    },
    async stop(breakOff) {
      stopping = true;
      wake();
      await looping;
      const done = new AbortController();
      const late = sleep(patienceMs, undefined, { signal: done.signal }).catch(() => undefined);
      await Promise.race([Promise.all(running).finally(() => done.abort()), late]);
      await breakOff();
      await Promise.all(running);
    },
  };
}
