import { createHash } from 'node:crypto';
import { setImmediate as breathe, setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { RawEntry } from '@vitae/event-store';
import { ERASED, UNREADABLE, WITHHELD } from '@vitae/keyring';
import { CONFIG, Ledger, PersonalTexts, Problem } from '@vitae/service-kit';
import {
  checkEvidence, consistencyProof, inclusionProof, packEvidence, parseVerifierKey, tilePath,
  type EvidenceEvent, type EvidenceManifest, type EvidenceProof, type ReadableText, type ReadTile, type Signer,
} from '@vitae/transparency';
import type { Request } from 'express';
import type { LedgerConfig } from '../config.ts';
import type { AsOf } from '../history/as-of.view.ts';
import { LogKeyFiles } from '../log-key/log-key-files.store.ts';
import { logKeyStream } from '../log-key/log-key.handler.ts';
import { LogFiles } from '../transparency/log-files.store.ts';
import { LogTables, type StoredCheckpoint } from '../transparency/log-tables.store.ts';
import { entryOf } from '../transparency/log-tree.store.ts';
import { keyChain } from '../transparency/signing-keys.ts';
import { eventsOf, selectEvidence } from './evidence-selection.view.ts';
import { readmeOf } from './readme.ts';
import { reportHtml, type ReportEvent } from './report.ts';
import { sealedPlaces, valueAt } from './sealed-places.ts';

export interface PackRequest {
  readonly evidenceId: string;
  readonly projectId: string;
  readonly subjects: readonly string[];
  readonly streams: readonly string[];
  readonly asOf: AsOf;
  /** Size of a checkpoint that the reader has: the pack proves that it continues that one. */
  readonly known?: number | undefined;
  readonly made: EvidenceManifest['made'];
}

export interface MadePack {
  readonly bytes: Buffer;
  /** Hex. */
  readonly sha256: string;
  readonly checkpointSize: number;
  readonly events: number;
  readonly readableTexts: number;
}

/** How much longer than usual a checkpoint may take. */
const PATIENCE_MS = 5_000;

/** Makes evidence packs, in memory. */
@Injectable()
export class EvidencePacks {
  constructor(
    private readonly ledger: Ledger,
    private readonly files: LogFiles,
    private readonly tables: LogTables,
    private readonly keyFiles: LogKeyFiles,
    private readonly texts: PersonalTexts,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  /**
   * A pack about what was asked for, with the texts that whoever sends `request` may read. It is verified before it is
   * answered: what is no longer as it was signed does not leave under our name.
   * @throws Problem 404 `evidence-empty`; 422 `evidence-too-large`; 503 `evidence-not-signed-yet`, `evidence-unsound`, `log-key-away`; 409 `checkpoint-unknown`
   */
  async make({ evidenceId, projectId, subjects, streams, asOf, known, made }: PackRequest, request: Pick<Request, 'params'>): Promise<MadePack> {
    const { sql } = this.ledger;
    const { events: chosen, ofOthers } = await selectEvidence(sql, { projectId, subjects, streams, asOf: asOf.index }, this.config.VITAE_EVIDENCE_EVENTS);
    const checkpoint = await this.#covering(asOf.index);
    const { size } = checkpoint;
    const rotations = await eventsOf(sql, [logKeyStream(await this.tables.ledgerId())], size - 1);
    const all = [...new Map([...chosen, ...rotations].map((event) => [event.index, event])).values()].sort((a, b) => a.index - b.index);
    const { keys, signer } = await this.#signing(rotations);
    const read = this.#tiles();
    const consistency = known === undefined ? undefined : { from: known, proof: (await this.#continuing(known, size, read)).map((hash) => hash.toString('base64')) };
    const proofs = await proofsOf(all, size, read);

    const open = new Set(rotations.map(({ index }) => index)); // keys are public, and without them nobody could follow
    const events = all.map((event): EvidenceEvent => {
      const { index, payload, metadata, subjects: about } = event;
      const mayRead = event.projectId === projectId || open.has(index);
      return { index, entry: entryOf(event).toString(), ...(mayRead ? { stored: { payload, metadata, subjects: about } } : {}) };
    });
    const { shown, readable, hidden } = await this.#opened(events, request);
    const about = {
      evidenceId,
      origin: this.keyFiles.origin,
      projectId,
      about: { subjects, streams },
      asOf: { index: asOf.index, ...(asOf.sequencedAt === undefined ? {} : { time: asOf.sequencedAt }) },
      checkpoint: { size, root: checkpoint.root.toString('base64') },
      made,
      streams: lastRevisions(all),
      leftOut: leftOut(ofOthers, hidden),
      ...(consistency ? { consistency } : {}),
    };
    const note = checkpoint.note + (await this.tables.cosignatures(size)).map(({ line }) => line).join('');
    const report = reportHtml(about, reportEvents(all, events, shown));
    const bytes = packEvidence({ about, checkpoint: note, keys, events, proofs, readable, report, readme: readmeOf(about) }, signer);

    const { firstProblem } = checkEvidence(bytes, { keys: [parseVerifierKey(keys[0] as string)] });
    if (firstProblem) {
      throw new Problem(503, 'evidence-unsound', 'The ledger is not what was signed', `No pack was made: ${firstProblem.what}${firstProblem.index === undefined ? '' : ` (index ${firstProblem.index})`}. Run vitae fsck; GET /readyz says whether the log has halted.`);
    }
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex'), checkpointSize: size, events: events.length, readableTexts: readable.length };
  }

  /** The published checkpoint, as soon as it covers the index. */
  async #covering(index: number): Promise<StoredCheckpoint> {
    const patience = this.config.VITAE_CHECKPOINT_MS + this.config.VITAE_WITNESS_PATIENCE_MS + PATIENCE_MS;
    for (const end = Date.now() + patience; ; await wait(50)) {
      const found = await this.files.published();
      if (found && found.size > index) return found;
      if (Date.now() > end) break;
    }
    throw new Problem(503, 'evidence-not-signed-yet', 'Not signed yet', `No checkpoint covers index ${index} after ${patience} ms. GET /v1/log says how far the log is signed, GET /readyz why it is not; ask again, or as of an earlier point.`, { headers: { 'Retry-After': '5' } });
  }

  /** The keys of the log up to these rotations, and the last one's signer. */
  async #signing(rotations: readonly RawEntry[]): Promise<{ readonly keys: readonly string[]; readonly signer: Signer }> {
    const keys = keyChain(this.keyFiles.first, rotations, this.keyFiles.origin);
    const signer = await this.keyFiles.signer(keys.at(-1) as string);
    if (!signer) throw new Problem(503, 'log-key-away', 'The key of the log is not at hand', `No key file holds the private key of ${keys.at(-1)}, so nothing can be signed. Put it beside the others (${this.keyFiles.files}).`);
    return { keys, signer };
  }

  async #continuing(known: number, size: number, read: ReadTile): Promise<readonly Buffer[]> {
    if (known > 0 && known <= size) return consistencyProof(known, size, read);
    throw new Problem(409, 'checkpoint-unknown', 'No such checkpoint', `The log is signed over ${size} events, so it cannot continue a checkpoint over ${known}. Either it is of another log, or this one lost its tail: keep it, and run vitae verify --known.`);
  }

  /** Each tile is read once, however many proofs lead through it. */
  #tiles(): ReadTile {
    const tiles = new Map<string, Promise<Uint8Array>>();
    return (tile) => {
      const path = tilePath(tile);
      const found = tiles.get(path) ?? this.files.tile(tile).then((bytes) => bytes ?? Buffer.alloc(0)); // of no width: the proof refuses it
      tiles.set(path, found);
      return found;
    };
  }

  /** Payload and metadata as the reader may see them, and the texts that had to be opened for that. */
  async #opened(events: readonly EvidenceEvent[], request: Pick<Request, 'params'>): Promise<{ readonly shown: ReadonlyMap<number, ShownEvent>; readonly readable: readonly ReadableText[]; readonly hidden: number }> {
    const parsed = events.flatMap(({ index, stored }) => (stored ? [{ index, payload: JSON.parse(stored.payload) as ShownEvent['payload'], metadata: JSON.parse(stored.metadata) as ShownEvent['metadata'] }] : []));
    const shown = await this.texts.show(parsed, request);
    const texts = parsed.flatMap(({ index, payload, metadata }, i) => sealedPlaces({ payload, metadata }).map((at) => ({ index, at, text: String(valueAt(shown[i], at)) })));
    const readable = texts.filter(({ text }) => ![ERASED, WITHHELD, UNREADABLE].includes(text));
    return { shown: new Map(shown.map((event) => [event.index, event])), readable, hidden: texts.length - readable.length };
  }
}

interface ShownEvent {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly metadata: { readonly actor?: { readonly id?: string; readonly onBehalfOf?: string }; readonly reason?: string; readonly occurredAt?: string };
}

/** Between some of them others get their turn: this process also gives events their index. */
async function proofsOf(events: readonly RawEntry[], size: number, read: ReadTile): Promise<readonly EvidenceProof[]> {
  const proofs: EvidenceProof[] = [];
  for (const { index } of events) {
    proofs.push({ index, proof: await inclusionProof(index, size, read) });
    if (proofs.length % 64 === 0) await breathe();
  }
  return proofs;
}

function lastRevisions(events: readonly RawEntry[]): EvidenceManifest['streams'] {
  const last = new Map(events.map(({ stream, revision }) => [stream, revision]));
  return [...last].map(([stream, revisions]) => ({ stream, revisions }));
}

function leftOut(ofOthers: number, hidden: number): EvidenceManifest['leftOut'] {
  return [
    { what: 'events of other projects that concern the same', count: ofOthers },
    { what: 'texts by people that are sealed and could not be shown: erased, or not for this reader', count: hidden },
  ].filter(({ count }) => count > 0);
}

function reportEvents(all: readonly RawEntry[], events: readonly EvidenceEvent[], shown: ReadonlyMap<number, ShownEvent>): readonly ReportEvent[] {
  return all.map(({ index, id, type, stream, revision, recordedAt, subjects }, i) => {
    const { actor, payloadHash } = JSON.parse(events[i]?.entry ?? '{}') as { readonly actor: string; readonly payloadHash: string };
    const open = shown.get(index);
    const onBehalfOf = open?.metadata.actor?.onBehalfOf;
    return {
      index, id, type, stream, revision, recordedAt, payloadHash,
      actor: onBehalfOf ? `${actor} for ${onBehalfOf}` : actor,
      subjects: subjects === '' ? [] : subjects.split(' '),
      ...(open ? { payload: open.payload, reason: open.metadata.reason ?? '' } : {}),
    };
  });
}
