import type { Api } from './api.ts';

/** What every act of the story works with. */
export interface Stage {
  readonly api: Api;
  readonly signal: AbortSignal;
  /** One line for whoever watches. */
  say(line: string): void;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
export const short = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);
