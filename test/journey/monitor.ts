import { emil } from './cast.ts';
import { until } from './api.ts';
import type { DatasetVersion } from './data.ts';
import type { Endpoint } from './deploy.ts';
import type { Stage } from './stage.ts';

export const WINDOW_ROWS = 400;

interface Finding {
  readonly feature: string;
  readonly psi: number;
  readonly fires: boolean;
}
interface Window {
  readonly number: number;
  readonly state: string;
  readonly rowCount: number;
  readonly findings: readonly Finding[];
}
interface Items<T> {
  readonly items: readonly T[];
}

/** The reference that traffic is compared with: bins fitted once to the data the model came from. */
export async function activateBaseline({ api, say }: Stage, endpoint: Endpoint, dataset: DatasetVersion): Promise<void> {
  const baseline = await api.post<{ features: readonly unknown[] }>('/monitoring/baselines', {
    as: emil,
    why: 'The data that version 1 was trained and tested on',
    body: { endpointId: endpoint.id, datasetVersionId: dataset.id, rule: { windowRows: WINDOW_ROWS, minimumRows: WINDOW_ROWS } },
  });
  say(`baseline of ${baseline.features.length} features fitted to german-credit v${dataset.version}; windows of ${WINDOW_ROWS} rows`);
}

export const windows = async ({ api }: Stage, endpoint: Endpoint): Promise<readonly Window[]> =>
  (await api.get<Items<Window>>(`/monitoring/endpoints/${endpoint.id}/windows?limit=200`, emil)).items;

export const alerts = async ({ api }: Stage, endpoint: Endpoint): Promise<readonly { id: string; findings: readonly Finding[] }[]> =>
  (await api.get<Items<{ id: string; endpointId: string; findings: readonly Finding[] }>>('/monitoring/alerts?limit=200', emil)).items.filter(
    ({ endpointId }) => endpointId === endpoint.id,
  );

/** Act 8: so many windows are judged, and none of them led to an alert. */
export async function expectHealthy(stage: Stage, endpoint: Endpoint, atLeast: number): Promise<void> {
  const judged = await until(`${atLeast} judged windows`, stage.signal, async () => {
    const all = await windows(stage, endpoint);
    return all.length >= atLeast ? all : undefined;
  });
  const raised = await alerts(stage, endpoint);
  if (raised.length > 0) throw new Error(`healthy traffic raised a drift alert on ${raised[0]?.findings.map((f) => f.feature).join(', ')}`);
  const worst = Math.max(...judged.flatMap(({ findings }) => findings.map(({ psi }) => psi)));
  stage.say(`${judged.length} windows judged, no alert; largest PSI of any feature ${worst.toFixed(3)}`);
}

/** Act 9, middle: the alert, the incident and the request for retraining that follow from shifted traffic. */
export async function expectDrift(stage: Stage, endpoint: Endpoint): Promise<void> {
  const { api, say, signal } = stage;
  const alert = await until('a drift alert', signal, async () => (await alerts(stage, endpoint))[0]);
  const worst = [...alert.findings].sort((a, b) => b.psi - a.psi).slice(0, 3);
  say(`DRIFT ALERT: ${alert.findings.length} features, first ${worst.map(({ feature, psi }) => `${feature} (PSI ${psi.toFixed(2)})`).join(', ')}`);
  const incident = await until('an incident for the alert', signal, async () => {
    const { items } = await api.get<Items<{ id: string; causeId: string; title: string; severity: string }>>('/governance/incidents?limit=200', emil);
    return items.find(({ causeId }) => causeId === alert.id);
  });
  const retraining = await until('a retraining request', signal, async () => {
    const { items } = await api.get<Items<{ id: string; incidentId: string }>>('/governance/retraining-requests?limit=200', emil);
    return items.find(({ incidentId }) => incidentId === incident.id);
  });
  say(`incident ${incident.severity} "${incident.title}" and retraining request ${retraining.id.slice(0, 8)} followed by themselves`);
}
