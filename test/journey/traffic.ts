import { randomUUID } from 'node:crypto';
import { pat } from './cast.ts';
import { until } from './api.ts';
import type { Endpoint } from './deploy.ts';
import { label, seeded, tensors, type Row } from './fixtures.ts';
import type { Stage } from './stage.ts';

const ROWS_A_REQUEST = 4;
const AT_ONCE = 8;
const REQUESTS_A_ROUND = 25;

/** A population that customers come from: rows drawn with replacement, the same order for the same seed. */
export interface Population {
  readonly rows: readonly Row[];
  readonly draw: () => number;
}

export const population = (rows: readonly Row[], seed: number): Population => ({ rows, draw: seeded(seed) });

/**
 * Act 7: sends rows as inference requests until `done`, round by round; after each round the outcomes of
 * its rows are reported as ground truth, as they would be weeks later. Answers how many rows went out.
 */
export async function sendUntil(
  stage: Stage,
  endpoint: Endpoint,
  from: Population,
  { atMost, done }: { readonly atMost: number; readonly done: (sent: number) => Promise<boolean> },
): Promise<number> {
  let sent = 0;
  while (sent < atMost) {
    const requests = Array.from({ length: REQUESTS_A_ROUND }, () => ({ id: randomUUID(), batch: Array.from({ length: ROWS_A_REQUEST }, () => drawn(from)) }));
    for (let i = 0; i < requests.length; i += AT_ONCE) {
      await Promise.all(requests.slice(i, i + AT_ONCE).map(({ id, batch }) => stage.api.infer(endpoint.name, id, tensors(batch), pat)));
    }
    await stage.api.post('/monitoring/ground-truth', {
      as: pat,
      body: { endpointId: endpoint.id, labels: requests.map(({ id, batch }) => ({ requestId: id, labels: batch.map(label) })) },
    });
    sent += REQUESTS_A_ROUND * ROWS_A_REQUEST;
    if (await done(sent)) break;
  }
  return sent;
}

interface MonitorStatus {
  readonly rowsReceived: number;
  readonly windows: number;
}

export const monitorStatus = ({ api }: Stage, endpoint: Endpoint): Promise<MonitorStatus> =>
  api.get<MonitorStatus>(`/monitoring/endpoints/${endpoint.id}/status`, pat);

/** Waits until monitoring has seen as many rows as were sent in all. */
export async function seen(stage: Stage, endpoint: Endpoint, rows: number): Promise<MonitorStatus> {
  return until(`monitoring to receive ${rows} rows`, stage.signal, async () => {
    const status = await monitorStatus(stage, endpoint);
    return status.rowsReceived >= rows ? status : undefined;
  });
}

function drawn({ rows, draw }: Population): Row {
  const row = rows[Math.floor(draw() * rows.length)];
  if (!row) throw new Error('a population without rows');
  return row;
}
