// One writer of the torture tests, a process that is killed at any moment. It appends in every way there is, and writes
// down what it meant before, and what it was told after.
import { setTimeout as sleep } from 'node:timers/promises';
import type { UseCaseSubmitted } from '@vitae/contracts';
import { append, groupCommit, RevisionConflict, transactOn, type AppendRequest, type RecordedEvent } from '@vitae/event-store';
import { Pool } from 'pg';
import { note, type Answer } from './journal.ts';
import { dice } from './random.ts';
import { keyedRequest, meant, newEvents, newStream, request, targets } from './writing.ts';

export interface WriterSettings {
  readonly name: string;
  readonly databaseUrl: string;
  readonly journal: string;
  /** What all writers of a run have in common. */
  readonly targets: string;
  readonly seed: number;
  /** Longest rest between two appends of a lane, in milliseconds: how busy the machine gets. */
  readonly restMs: number;
}

/** Appends under way at once in this process: neighbours in a group commit. */
const LANES = 3;

const settings = JSON.parse(process.argv[2] ?? '{}') as WriterSettings;
const chance = dice(settings.seed + process.pid);
const { hot, contested, keys } = targets(settings.targets);
const pool = new Pool({ connectionString: settings.databaseUrl, application_name: settings.name, max: 2 * LANES, connectionTimeoutMillis: 10_000 });
pool.on('error', () => undefined);
const group = groupCommit(pool, { connections: 2 });
const transact = transactOn(pool);
const believed = new Map<string, number>();
let attempts = 0;
let stopping = false;

/** The writer changed its mind: nothing of the transaction may stay. */
class ChangedMind extends Error {}

type Doing = (requests: readonly AppendRequest<UseCaseSubmitted>[]) => Promise<readonly (readonly RecordedEvent[])[]>;

const grouped: Doing = async ([one]) => [await group.append(one as AppendRequest<UseCaseSubmitted>)];

/** One transaction over all of them, perhaps slow, perhaps given up at its end. */
const together = (holdMs: number, giveUp: boolean): Doing => (requests) =>
  transact(async ({ sql }) => {
    const stored: (readonly RecordedEvent[])[] = [];
    for (const one of requests) stored.push(await append(sql, one));
    if (holdMs > 0) await sleep(holdMs);
    if (giveUp) throw new ChangedMind('it was rolled back on purpose');
    return stored;
  });

async function attempt(op: string | undefined, requestsOf: (op: string) => readonly AppendRequest<UseCaseSubmitted>[], doing: Doing): Promise<void> {
  const name = `${settings.name}.${process.pid}.${(attempts += 1)}`;
  const requests = requestsOf(op ?? name);
  note(settings.journal, { attempt: name, op: op ?? name, appends: requests.map(meant) });
  note(settings.journal, await doing(requests).then((stored) => storedAnswer(name, stored), (error: unknown) => failure(name, error)));
}

function storedAnswer(name: string, stored: readonly (readonly RecordedEvent[])[]): Answer {
  for (const events of stored) believed.set(events[0]?.stream ?? '', events.at(-1)?.revision ?? 0);
  return { attempt: name, outcome: 'stored', appends: stored.map((events) => ({ ids: events.map(({ id }) => id), first: events[0]?.revision ?? 0 })) };
}

function failure(name: string, error: unknown): Answer {
  const { message, code = '' } = error as Error & { code?: string };
  if (error instanceof RevisionConflict) {
    believed.set(error.stream, error.actual);
    return { attempt: name, outcome: 'refused', why: 'conflict', actual: error.actual };
  }
  // An SQLSTATE that PostgreSQL lived to tell means that nothing is stored: a deadlock, for one.
  const told = error instanceof ChangedMind || (/^[0-9A-Z]{5}$/.test(code) && !/^(08|57P|E[A-Z])/.test(code));
  return { attempt: name, outcome: told ? 'refused' : 'unknown', why: `${code} ${message}` };
}

/** How often each is done, out of a hundred. */
const ways: readonly (readonly [number, () => Promise<void>])[] = [
  [28, () => attempt(undefined, (op) => [request(op, chance.of(hot), 'any', newEvents(chance.from(1, 10)))], grouped)],
  [24, () => attempt(undefined, (op) => [exactly(op, chance.of(hot))], grouped)], // everybody races everybody
  [16, () => attempt(undefined, (op) => [request(op, chance.roll() < 0.7 ? chance.of(contested) : newStream(), 'noStream', newEvents(chance.from(1, 3)))], grouped)],
  [6, () => attempt(undefined, (op) => [request(op, chance.of([...hot, ...contested]), 'exists', newEvents(1))], grouped)],
  [12, () => keyed()],
  [4, () => attempt(undefined, (op) => [exactly(op, chance.of(hot))], together(0, false))],
  [6, () => attempt(undefined, severalStreams, together(chance.roll() < 0.5 ? chance.from(20, 100) : 0, false))],
  [4, () => attempt(undefined, severalStreams, together(chance.from(0, 20), true))],
];

const exactly = (op: string, stream: string): AppendRequest<UseCaseSubmitted> => request(op, stream, believed.get(stream) ?? 0, newEvents(chance.from(1, 4)));

function keyed(): Promise<void> {
  const key = chance.of(keys);
  return attempt(key, () => [keyedRequest(key, { hot, contested, keys })], grouped);
}

/** Mostly in one order for everybody; otherwise PostgreSQL has deadlocks to solve, too. */
function severalStreams(op: string): readonly AppendRequest<UseCaseSubmitted>[] {
  const streams = chance.shuffled(hot).slice(0, chance.from(2, 3));
  if (chance.roll() < 0.9) streams.sort();
  return streams.map((stream) => request(op, stream, 'any', newEvents(chance.from(1, 3))));
}

async function lane(): Promise<void> {
  while (!stopping) {
    let left = chance.from(1, 100);
    const way = ways.find(([weight]) => (left -= weight) <= 0) ?? ways[0];
    await way?.[1]();
    await sleep(chance.from(0, settings.restMs));
  }
}

process.once('SIGTERM', () => (stopping = true));
process.once('disconnect', () => process.exit(1)); // whoever started us is gone
await Promise.all(Array.from({ length: LANES }, lane));
await group.close();
await pool.end();
process.exit(0);
