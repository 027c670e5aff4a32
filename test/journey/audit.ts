import { audrey, rosa } from './cast.ts';
import type { Endpoint } from './deploy.ts';
import { until } from './api.ts';
import type { Stage } from './stage.ts';
import type { Subscription } from './subscriber.ts';

/** An event as the history API shows it. */
interface HistoryItem {
  readonly envelope: {
    readonly id: string;
    readonly index?: string;
    readonly type: string;
    readonly recordedAt: string;
    readonly reason?: string;
    readonly actor: { readonly id: string; readonly kind: string };
  };
  readonly payload: unknown;
}

/** Act 11: everything that concerns the model, in order, across services. An auditor would not see what people wrote; the risk officer does. */
export async function timeline(stage: Stage, subject: string): Promise<readonly HistoryItem[]> {
  const items: HistoryItem[] = [];
  let from: number | undefined = 0;
  while (from !== undefined) {
    const page: { items: HistoryItem[]; next?: number } = await stage.api.get(`/ledger/events?subject=${encodeURIComponent(subject)}&limit=200&from=${from}`, rosa);
    items.push(...page.items);
    from = page.next;
  }
  return items;
}

export async function printTimeline({ api, say }: Stage, items: readonly HistoryItem[]): Promise<void> {
  const nameOf = await api.namesOf(items.map(({ envelope }) => envelope.actor.id), audrey);
  for (const { envelope } of items) {
    const name = envelope.type.split('.').slice(1, 2).concat(envelope.type.split('.').at(-1) ?? '').join(' ');
    const reason = envelope.reason ? ` — ${clipped(envelope.reason, 120)}` : '';
    say(`  #${String(indexOf(envelope)).padStart(4)}  ${envelope.recordedAt.slice(11, 23)}  ${name.padEnd(38)} ${nameOf(envelope.actor.id)}${reason}`);
  }
}

/**
 * The model's events as the ledger tells them must be those that the subscriber received: all, in order, to the byte of
 * their meaning. Only what people wrote differs: the ledger shows the words, the subscriber has them sealed.
 */
export async function expectSameStory(stage: Stage, subscription: Subscription, subject: string, items: readonly HistoryItem[]): Promise<void> {
  const told = items.map(({ envelope, payload }) => [indexOf(envelope), envelope.id, envelope.type, payload]);
  const heard = await until('the subscriber to have received the whole story', stage.signal, () => {
    const received = subscription.received.filter(({ subjects }) => subjects.includes(subject));
    return Promise.resolve(received.length >= told.length ? received : undefined);
  });
  const received = heard.slice(0, told.length).map(({ index, id, type, payload }) => [index, id, type, payload]);
  const differing = told.findIndex((event, i) => JSON.stringify(sealedAs(received[i], event)) !== JSON.stringify(received[i]));
  if (differing !== -1) throw new Error(`event ${differing} differs: the ledger says ${JSON.stringify(told[differing])}, the subscriber received ${JSON.stringify(received[differing])}`);
  if (!JSON.stringify(received).includes(SEAL)) throw new Error('the subscriber received in clear what people wrote');
  const gaps = subscription.received.filter((event, i, all) => i > 0 && event.sequence <= (all[i - 1]?.sequence ?? 0));
  if (gaps.length > 0) throw new Error(`the subscriber received ${gaps.length} events twice or out of order`);
  if (subscription.received.some(({ sequence, index }) => sequence !== index + 1)) throw new Error('a JetStream sequence is not index + 1');
  stage.say(`an independent NATS subscriber received the same ${told.length} events, one for one and in order`);
}

const SEAL = 'enc:v1:';

/** What the ledger told, with the sealed text in place of the words wherever the subscriber received it sealed. */
function sealedAs(received: unknown, told: unknown): unknown {
  if (typeof received === 'string') return received.startsWith(SEAL) && typeof told === 'string' && !told.includes(SEAL) ? received : told;
  if (received === null || typeof received !== 'object' || told === null || typeof told !== 'object') return told;
  if (Array.isArray(told)) return told.map((one, i) => sealedAs((received as readonly unknown[])[i], one));
  return Object.fromEntries(Object.entries(told).map(([name, one]) => [name, sealedAs((received as Readonly<Record<string, unknown>>)[name], one)]));
}

interface Serving {
  readonly weights: readonly { readonly version: number; readonly weight: number }[];
  readonly since: { readonly index: number; readonly recordedAt: string; readonly actor: string };
}

/** "Which version served at that time?" answered from the ledger, and compared with what was seen then. */
export async function expectServed(stage: Stage, endpoint: Endpoint, at: string, expected: Readonly<Record<number, number>>): Promise<void> {
  const serving = await stage.api.get<Serving>(`/ledger/endpoints/${endpoint.id}/serving?at=${encodeURIComponent(at)}`, audrey);
  const found = Object.fromEntries(serving.weights.map(({ version, weight }) => [version, weight]));
  const said = (weights: Readonly<Record<number, number>>): string => Object.entries(weights).map(([version, weight]) => `version ${version}: ${weight} %`).join(', ');
  if (said(found) !== said(expected)) throw new Error(`at ${at} the ledger says ${said(found)}, but ${said(expected)} was seen`);
  const nameOf = await stage.api.namesOf([serving.since.actor], audrey);
  stage.say(`at ${at.slice(11, 23)} served ${said(found)} (since event #${serving.since.index}, by ${nameOf(serving.since.actor)})`);
}

interface Graph {
  readonly complete: boolean;
  readonly nodes: readonly { readonly kind: string; readonly id: string; readonly label: string }[];
}

/** "What did the version that served then come from, and who decided?" answered from the graph of all services, as of that time. */
export async function expectProvenance(stage: Stage, endpoint: Endpoint, at: string, version: { readonly id: string; readonly version: number }, dataset: { readonly id: string }): Promise<void> {
  const kinds = 'model-version,dataset-version,commit,decision';
  const { nodes } = await until('the graph to be complete', stage.signal, async () => {
    const graph = await stage.api.get<Graph>(`/registry/lineage?node=${encodeURIComponent(`endpoint:${endpoint.id}`)}&direction=up&kinds=${kinds}&asOf=${encodeURIComponent(at)}`, audrey);
    return graph.complete ? graph : undefined;
  });
  const of = (kind: string): string[] => nodes.filter((node) => node.kind === kind).map(({ id }) => id);
  const found = JSON.stringify([of('model-version'), of('dataset-version'), of('commit').length, of('decision').length]);
  if (found !== JSON.stringify([[version.id], [dataset.id], 1, 1])) throw new Error(`at ${at} the graph says ${JSON.stringify(nodes)}; one version, its data, its commit and one decision were expected`);
  stage.say(`what served at ${at.slice(11, 23)} came from ${nodes.map(({ kind, label }) => `${kind} ${label}`).join(', ')}`);
}

const clipped = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Proto3 JSON leaves a zero out. */
const indexOf = ({ index }: { readonly index?: string }): number => Number(index ?? 0);
