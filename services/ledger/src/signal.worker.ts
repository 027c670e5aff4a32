/** Wakes one waiting loop. A signal that comes while nobody waits is kept, so none is lost between two waits. */
export interface Signal {
  raise(): void;
  /** Resolves on the next signal, or after `ms`. */
  wait(ms: number): Promise<void>;
}

export function signal(): Signal {
  let raised = false;
  let wake: (() => void) | undefined;
  return {
    raise() {
      raised = true;
      wake?.();
    },
    wait: (ms) =>
      new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          wake = undefined;
          raised = false;
          resolve();
        };
        const timer = setTimeout(finish, ms);
        wake = finish;
        if (raised) finish();
      }),
  };
}
