// The thread in which scored rows are measured and compared: sorting and resampling a million rows takes seconds, in which
// nobody else would be answered. Does its one task and ends. Runs as it is from source (types are stripped) and as built,
// so it and what it imports use erasable syntax only.
import { parentPort, workerData } from 'node:worker_threads';
import { compareVersions } from './compare.ts';
import { measure } from './measure.ts';
import type { ScoredRows } from './scored-rows.ts';

const [baseline, ...others] = workerData as readonly ScoredRows[];
parentPort?.postMessage({
  measured: [baseline, ...others].flatMap((rows) => (rows ? [measure(rows)] : [])),
  differences: baseline ? compareVersions(baseline, others) : [],
});
