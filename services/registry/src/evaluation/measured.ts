/** What a model does, by what it answers. */
export const TASKS = ['binary-classification', 'multiclass-classification', 'regression'] as const;
export type Task = (typeof TASKS)[number];

/** A metric, with its 95 % interval where one is known. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly lower?: number;
  readonly upper?: number;
}

export interface MeasuredGroup {
  readonly attribute: string;
  readonly group: string;
  readonly rowCount: number;
  /** Rows whose label is 1; 0 where there is no such class. */
  readonly positiveCount: number;
  readonly metrics: readonly Measured[];
}

export interface MeasuredSlice {
  readonly slice: string;
  readonly rowCount: number;
  /** Empty when the rows are too few. */
  readonly metrics: readonly Measured[];
}

export interface Measurement {
  readonly task: Task;
  readonly rowCount: number;
  readonly metrics: readonly Measured[];
  readonly groups: readonly MeasuredGroup[];
  readonly slices: readonly MeasuredSlice[];
}

/** A number with its interval as the statistics give it. */
interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** As a list, so that what the rows do not define, or numbers too large for it, is left out: a 0 would read as a result. */
export const known = (name: string, value: number | null): Measured[] => (value === null || !Number.isFinite(value) ? [] : [{ name, value }]);
export const estimated = (name: string, of: Estimate | null): Measured[] => (of === null ? [] : [{ name, value: of.value, lower: of.low, upper: of.high }]);
/** With its interval, or without one where the rows are too few for it. */
export const estimatedOr = (name: string, of: Estimate | null, value: () => number | null): Measured[] => (of === null ? known(name, value()) : estimated(name, of));
