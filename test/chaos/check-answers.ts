import { isAnswer, type Answer, type Intent, type Line, type Meant } from './journal.ts';
import type { Entry, Lie } from './history.ts';

/** One intent with all the attempts at it and their answers. */
interface Operation {
  readonly intent: Intent;
  readonly answers: Answer[];
}

/** Holds what each writer was told against what is in the ledger. */
export function checkAnswers(journals: readonly (readonly Line[])[], ledger: readonly Entry[]): readonly Lie[] {
  const lies: Lie[] = [];
  const operations = operationsIn(journals);
  const written = Map.groupBy(ledger, ({ op }) => op);
  for (const [op, entries] of written) {
    if (!operations.has(op)) lies.push({ kind: 'nobody-wrote-it', what: `event ${entries[0]?.id} at index ${entries[0]?.index} belongs to ${op}, which no writer meant` });
  }
  for (const [op, operation] of operations) lies.push(...checkOperation(op, operation, written.get(op) ?? []));
  return lies;
}

function operationsIn(journals: readonly (readonly Line[])[]): Map<string, Operation> {
  const operations = new Map<string, Operation>();
  const opOf = new Map<string, Operation>();
  for (const line of journals.flat()) {
    if (isAnswer(line)) {
      opOf.get(line.attempt)?.answers.push(line);
      continue;
    }
    const operation = operations.get(line.op) ?? { intent: line, answers: [] };
    operations.set(line.op, operation);
    opOf.set(line.attempt, operation);
  }
  return operations;
}

function checkOperation(op: string, { intent, answers }: Operation, found: readonly Entry[]): readonly Lie[] {
  const lies: Lie[] = [];
  const lie = (kind: Lie['kind'], what: string): void => void lies.push({ kind, what: `${op}: ${what}` });
  const byStream = Map.groupBy(found, ({ stream }) => stream);
  for (const stream of byStream.keys()) {
    if (!intent.appends.some((meant) => meant.stream === stream)) lie('nobody-wrote-it', `it has events in ${stream}, where it meant none`);
  }

  // 1. Each append is there as it was meant, once, or not at all; and all of them, or none.
  const there = intent.appends.map((meant) => checkAppend(meant, (byStream.get(meant.stream) ?? []).toSorted((a, b) => a.revision - b.revision), lie));
  const [some, all] = [there.some((entries) => entries.length > 0), there.every((entries) => entries.length > 0)];
  if (some && !all) lie('torn', `some of its ${there.length} appends are there, others are not`);

  // 2. What was told is so.
  const keyed = intent.attempt !== intent.op;
  const told = new Set<string>();
  for (const answer of answers) {
    if (answer.outcome === 'stored') {
      const truth = JSON.stringify(there.map((entries) => ({ ids: entries.map(({ id }) => id), first: entries[0]?.revision })));
      const said = JSON.stringify(answer.appends.map(({ ids, first }) => ({ ids, first })));
      told.add(said);
      if (!all) lie('lost', `${answer.attempt} was told that it is stored, and it is not there`);
      else if (said !== truth) lie('told-otherwise', `${answer.attempt} was told ${said}, and there is ${truth}`);
    }
    if (answer.outcome === 'refused' && some) {
      if (keyed) lie('answers-differ', `${answer.attempt} was refused (${answer.why}), and the same request is stored`);
      else lie('refused-but-there', `${answer.attempt} was refused (${answer.why}), and it is there`);
    }
    if (answer.outcome === 'refused' && answer.actual !== undefined && intent.appends.some(({ expected }) => expected === answer.actual)) {
      lie('told-otherwise', `${answer.attempt} was refused although the stream was where it expected it, at ${answer.actual}`);
    }
  }
  if (told.size > 1) lie('answers-differ', `the same request was answered in ${told.size} ways`);
  return lies;
}

/** Its events; empty when it is not there, or not as it was meant. */
function checkAppend({ stream, expected, payloads }: Meant, found: readonly Entry[], lie: (kind: Lie['kind'], what: string) => void): readonly Entry[] {
  if (found.length === 0) return [];
  if (found.length > payloads.length) lie('doubled', `${payloads.length} events were meant for ${stream}, ${found.length} are there`);
  else if (found.length < payloads.length) lie('torn', `${payloads.length} events were meant for ${stream}, ${found.length} are there`);
  const changed = found.find(({ payload }, i) => i < payloads.length && payload !== payloads[i]);
  if (changed) lie('payload-changed', `event ${changed.id} holds ${changed.payload}`);
  const first = found[0]?.revision ?? 0;
  if (found.some(({ revision }, i) => revision !== first + i)) lie('stream-order', `its events in ${stream} are not beside each other`);
  const held = typeof expected === 'number' ? first === expected + 1 : expected === 'any' || (expected === 'noStream' ? first === 1 : first > 1);
  if (!held) lie('expectation-broken', `it expected ${stream} to be at ${expected}, and its first event has revision ${first}`);
  return found;
}
