import { v7 as uuidv7 } from 'uuid';
import { samples, type SampleEvent } from './sample-event.ts';
import type { Run } from './rounds.ts';

/** One append as every system is asked for it. */
export interface Append {
  /** Ends in a UUIDv7, since random names cost every B-tree dearly. */
  readonly id: string;
  /** Events that the stream has: the append MUST be refused when it has others. */
  readonly revision: number;
  readonly events: readonly SampleEvent[];
}

/** One system under test, behind its public interface. */
export interface Appender {
  readonly name: string;
  append(append: Append): Promise<void>;
  close(): Promise<void>;
}

export interface Shape {
  readonly writers: number;
  /** Events in one append. */
  readonly batch: number;
}

const STREAM_LENGTH = 10;

/** Writers that append, wait until it is durable, and append again. A stream ends after ten events and the next begins. */
export function writing(appender: Appender, { writers, batch }: Shape) {
  return {
    name: appender.name,
    run: async (seconds: number): Promise<Run> => {
      const latencies: number[] = [];
      const end = performance.now() + 1000 * seconds;
      const writer = async (): Promise<void> => {
        while (performance.now() < end) {
          const id = uuidv7();
          for (let revision = 0; revision < STREAM_LENGTH && performance.now() < end; revision += batch) {
            const begun = performance.now();
            await appender.append({ id, revision, events: samples(batch) });
            latencies.push(performance.now() - begun);
          }
        }
      };
      await Promise.all(Array.from({ length: writers }, writer));
      return { events: latencies.length * batch, latencies };
    },
  };
}
