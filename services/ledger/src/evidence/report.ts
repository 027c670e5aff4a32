import { artefactsIn, type EvidenceAbout } from '@vitae/transparency';
import type { HistoryItem } from '../history/history-item.ts';
import { STAGES, stageOf } from '../history/life-stage.ts';
import { UNBORN, withModelEvent, type ModelState } from '../history/model-state.ts';
import { html, NOTHING, page, table, type Html } from './html.ts';

/** An event as the report tells it. */
export interface ReportEvent {
  readonly index: number;
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly recordedAt: string;
  readonly actor: string;
  readonly subjects: readonly string[];
  /** Its first digits find the event in events.tsv, as the index does. */
  readonly payloadHash: string;
  /** With the texts that the reader may read, `[erased]` in the place of others. Absent: withheld. */
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
}

interface Fields {
  readonly [name: string]: unknown;
}
const text = (payload: Fields | undefined, name: string): string => (payload?.[name] === undefined ? '' : String(payload[name]));
const list = (payload: Fields | undefined, name: string): readonly Fields[] => (Array.isArray(payload?.[name]) ? (payload[name] as readonly Fields[]) : []);
const inside = (payload: Fields | undefined, name: string): Fields => (payload?.[name] ?? {}) as Fields;
const nameOf = (type: string): string => type.slice(type.lastIndexOf('.') + 1);
const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
/** VariantDeployed: Variant deployed. */
const words = (type: string): string => nameOf(type).replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
/** POLICY_OUTCOME_PASS, policyOutcome: pass. */
const enumWord = (value: string, prefix: string): string => value.replace(prefix, '').replaceAll('_', ' ').toLowerCase();
const when = (time: string): string => time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
const place = ({ index, payloadHash }: ReportEvent): Html => html`<code>${index}</code> <code>${payloadHash.slice(0, 12)}</code>`;

/** The readable part of an evidence pack: one page, no script, nothing from elsewhere. Everything in it was written by others and is escaped. */
export function reportHtml(about: EvidenceAbout, events: readonly ReportEvent[]): string {
  const of = (...types: readonly string[]): readonly ReportEvent[] => events.filter(({ type }) => types.includes(nameOf(type)));
  const title = `Evidence about ${[...about.about.subjects, ...about.about.streams].join(', ')}`;
  return page(title, html`<h1>${title}</h1>
${cover(about, events)}
${standing(about, events)}
<h2>Decisions</h2>
${of('GateDecided').length === 0 ? html`<p class="none">None.</p>` : of('GateDecided').map(decision)}
<h2>Approvals</h2>
${deeds(of('ApprovalCaseOpened', 'ApprovalGranted', 'ApprovalRefused'), ({ payload }) => `${text(payload, 'role') || `for ${text(inside(payload, 'subject'), 'gate')}`}${payload?.['expiresAt'] === undefined ? '' : `, until ${when(text(payload, 'expiresAt'))}`}`)}
<h2>What served when</h2>
${served(of('TrafficShifted'))}
<h2>Incidents</h2>
${deeds(of('IncidentReported', 'RetrainingRequested', 'IncidentClosed', 'DriftAlertRaised', 'DriftAlertWidened', 'DriftAlertCleared', 'RolloutRolledBack'), ({ payload }) =>
  [enumWord(text(payload, 'severity'), 'SEVERITY_'), text(payload, 'title'), text(payload, 'description'), text(payload, 'rootCause'), text(payload, 'lesson'), text(payload, 'reason')].filter((part) => part !== '').join('; '))}
<h2>Retirement</h2>
${deeds(of('RetirementProposed', 'RetirementApproved', 'RetirementCompleted', 'ArtefactArchived', 'ModelVersionRetired', 'ModelDeprecated', 'ModelDeleted', 'ModelRestored', 'ModelVersionDeprecated', 'ModelVersionDeleted', 'ModelVersionRestored', 'ModelVersionPurged'), ({ payload }) =>
  [`version ${text(payload, 'version')}`, text(payload, 'criterion'), text(payload, 'reason'), text(payload, 'lesson'), text(payload, 'archiveLocation') || text(payload, 'location')].filter((part) => part !== '' && part !== 'version ').join('; '))}
<h2>Artefacts</h2>
${artefacts(events)}
<h2>Everything, by stage</h2>
${STAGES.map((stage) => timeline(stage, events.filter(({ type }) => stageOf(type) === stage)))}
${timeline('ledger', events.filter(({ type }) => stageOf(type) === undefined))}`);
}

function cover({ origin, projectId, asOf, checkpoint, made, streams, leftOut, evidenceId }: EvidenceAbout, events: readonly ReportEvent[]): Html {
  const facts: readonly (readonly [string, string])[] = [
    ['Project', projectId],
    ['As of', `index ${asOf.index} of the ledger${asOf.time === undefined ? '' : `, ${when(asOf.time)}`}`],
    ['Holds', `${counted(events.length, 'event')} of ${counted(streams.length, 'stream')}, each stream from its first event on`],
    ['Made', `${when(made.at)} by ${made.by}${made.for === '' ? '' : ` for ${made.for}`}`],
    ['Why', made.reason],
    ['Log', origin],
    ['Root', `${checkpoint.root} over ${counted(checkpoint.size, 'event')}`],
    ['Recorded as', `ledger.Evidence-${evidenceId}`],
    ...leftOut.map(({ what, count }) => ['Left out', `${count} ${what}`] as const),
  ];
  return html`<dl>\n${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>
<p class="note">This page is for reading. What is proven are the events in events.tsv: check the pack with <code>vitae verify</code>, which needs no network and only the log's key. Each line here names the index of its event and the first digits of its payload hash; both stand in events.tsv. That no whole stream was left out a pack cannot show.</p>`;
}

/** How the model stood at the end of the pack, when it is about one. */
function standing({ about }: EvidenceAbout, events: readonly ReportEvent[]): Html {
  const [model, another] = about.subjects.filter((subject) => subject.startsWith('model:'));
  if (model === undefined || another !== undefined) return NOTHING;
  const life = events.filter(({ subjects, type }) => subjects.includes(model) || stageOf(type) === 'plan'); // its use case was there before it
  const { name, useCase, versions, serving } = life.reduce((before, event) => (event.payload ? withModelEvent(before, itemOf(event)) : before), UNBORN);
  if (name === '' && Object.keys(versions).length === 0) return NOTHING;
  const decided = (decisions: ModelState['versions'][string]['decisions']): string => Object.entries(decisions).map(([gate, { outcome, index }]) => `${gate}: ${outcome} (${index})`).join(', ');
  const weights = Object.values(serving).map(({ endpoint, environment, weights: to, since }) => [`${endpoint} in ${environment}`, to.map(({ version, weight }) => `version ${version}: ${weight} %`).join(', ') || 'nothing', String(since)]);
  return html`<h2>As it stood</h2>
<p>Model ${name || 'without a name'}; its use case is ${useCase.state}.</p>
${table(['Version', 'State', 'Evaluations', 'Last decisions (index)'], Object.values(versions).map((one) => [one.version, one.state, one.evaluations, decided(one.decisions)]))}
<h3>Serving</h3>
${table(['Endpoint', 'Traffic', 'Since index'], weights)}`;
}

function decision(event: ReportEvent): Html {
  const { payload, actor, recordedAt } = event;
  const subject = inside(payload, 'subject');
  const permit = text(inside(payload, 'permit'), 'expiresAt');
  return html`<h3>${enumWord(text(payload, 'outcome'), 'GATE_OUTCOME_') || 'withheld'}: gate ${text(subject, 'gate')} in ${text(subject, 'environment')}, version ${text(subject, 'version')}</h3>
<p>${place(event)} ${when(recordedAt)}, asked by ${text(payload, 'requestedBy') || 'nobody named'}, decided by ${actor}. Policies: ${text(payload, 'policySet')} ${text(payload, 'policySetVersion')}, ${text(payload, 'engine')}.${permit === '' ? '' : ` Permit until ${when(permit)}.`}</p>
${table(['Policy', 'Result', 'Why'], list(payload, 'results').map((result) => [`${text(result, 'policyId')} ${text(result, 'title')}`, enumWord(text(result, 'outcome'), 'POLICY_OUTCOME_'), text(result, 'reason')]))}`;
}

/** Each shift of traffic, until the next one on the same endpoint. */
function served(shifts: readonly ReportEvent[]): Html {
  const rows = shifts.map((event, i) => {
    const { payload, recordedAt } = event;
    const next = shifts.slice(i + 1).find((later) => text(later.payload, 'endpointId') === text(payload, 'endpointId'));
    const weights = list(payload, 'weights').filter((one) => Number(one['weight'] ?? 0) > 0).map((one) => `version ${text(one, 'version')}: ${text(one, 'weight')} %`);
    return [place(event), `${text(payload, 'endpointName')} in ${text(payload, 'environment')}`, when(recordedAt), next ? when(next.recordedAt) : 'the end of this pack', weights.join(', ') || 'nothing'];
  });
  return table(['Event', 'Endpoint', 'From', 'Until', 'Traffic'], rows);
}

function artefacts(events: readonly ReportEvent[]): Html {
  const found = artefactsIn(events.flatMap(({ index, payload }) => (payload ? [{ index, payload: JSON.stringify(payload) }] : [])));
  return table(['Digest', 'Bytes', 'Called', 'Events'], found.map(({ digest, sizeBytes, names, events: at }) => [html`<code>${digest}</code>`, sizeBytes ?? '', names.join(', '), at.join(', ')]));
}

function deeds(events: readonly ReportEvent[], say: (event: ReportEvent) => string): Html {
  return table(['Event', 'When', 'What', 'Who', ''], events.map((event) => [place(event), when(event.recordedAt), words(event.type), event.actor, event.payload ? say(event) : '[withheld]']));
}

function timeline(stage: string, events: readonly ReportEvent[]): Html {
  if (events.length === 0) return NOTHING;
  const rows = events.map((event) => [
    place(event),
    when(event.recordedAt),
    event.payload ? html`<details><summary>${words(event.type)}</summary><pre>${`${event.type}\n${event.stream}, revision ${event.revision}\n${JSON.stringify(event.payload, null, 2)}`}</pre></details>` : html`${words(event.type)} <span class="none">[withheld]</span>`,
    event.actor,
    event.reason ?? '',
  ]);
  return html`<h3>${stage.charAt(0).toUpperCase()}${stage.slice(1)}</h3>
${table(['Event', 'When', 'What', 'Who', 'Why'], rows)}`;
}

/** As the fold of a model's life takes it. */
function itemOf({ index, id, type, stream, revision, recordedAt, actor, payload = {} }: ReportEvent): HistoryItem {
  return { envelope: { id, stream, revision: String(revision), index: String(index), type, projectId: '', subjects: [], actor: { id: actor, kind: '' }, occurredAt: recordedAt, recordedAt }, payload };
}
