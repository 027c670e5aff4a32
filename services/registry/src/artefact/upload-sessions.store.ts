import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG, Problem } from '@vitae/service-kit';
import { Refused } from '@vitae/event-store';
import { z } from 'zod';
import type { RegistryConfig } from '../config.ts';
import { artefactEmpty } from './artefact.ts';
import { ArtefactStore } from './artefact.store.ts';
import { giveBack } from './digests.store.ts';
import { ProjectArtefacts } from './project-artefacts.store.ts';
import { offsetMismatch, SESSION_MS, uploadInUse, uploadNotFound, type UploadSession } from './upload-session.ts';

/** What the file beside the bytes says. */
const Noted = z.object({ projectId: z.string(), sizeBytes: z.number(), declared: z.string().optional(), digest: z.string().optional() });
type Noted = z.infer<typeof Noted>;

/**
 * Uploads that come in pieces, on the local disk, so that they survive a restart:
 *
 *   <data>/artefacts/uploads/<id>.json   what was announced, and in the end the digest
 *   <data>/artefacts/uploads/<id>        the bytes that came; how many there are is how far it is
 *
 *   begun ── append ──► … ── the last byte ──► kept in the depot under its digest, or refused and gone
 *     └────── nothing for SESSION_MS, or ended ──► gone
 *
 * Nothing is in the depot before all bytes are here and have the digest that was announced.
 */
@Injectable()
export class UploadSessions implements OnModuleInit {
  readonly #directory: string;
  /** Sessions that a request is writing to. */
  readonly #busy = new Set<string>();

  constructor(
    @Inject(CONFIG) config: RegistryConfig,
    private readonly artefacts: ArtefactStore,
    private readonly brought: ProjectArtefacts,
  ) {
    this.#directory = join(resolve(config.VITAE_DATA_DIR), 'artefacts', 'uploads');
  }

  async onModuleInit(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
  }

  /** @throws Problem 413 artefact-too-large; Refused ARTEFACT_EMPTY. */
  async begin(announced: Pick<UploadSession, 'projectId' | 'sizeBytes' | 'declared'>): Promise<UploadSession> {
    if (announced.sizeBytes === 0) throw artefactEmpty();
    this.artefacts.mustFit(announced.sizeBytes);
    const id = randomUUID();
    await writeFile(this.#bytes(id), '', { flag: 'wx', flush: true });
    await this.#note(id, announced);
    return this.find(announced.projectId, id);
  }

  /** @throws Refused UPLOAD_NOT_FOUND, for a session of another project, too. */
  async find(projectId: string, id: string): Promise<UploadSession> {
    const session = await this.#read(id);
    if (!session || session.projectId !== projectId || session.expiresAt <= Date.now()) throw uploadNotFound(id);
    return session;
  }

  /**
   * Writes more bytes behind those that are here. What came before the line broke stays. With the last byte all of
   * them are digested and kept; a digest that is not the announced one takes the session away.
   * @throws Refused UPLOAD_NOT_FOUND, UPLOAD_IN_USE, UPLOAD_OFFSET_MISMATCH, DIGEST_MISMATCH; Problem 413 upload-too-long.
   */
  async append(projectId: string, id: string, offset: number, source: Readable): Promise<UploadSession> {
    if (this.#busy.has(id)) throw uploadInUse(id);
    this.#busy.add(id);
    try {
      const session = await this.find(projectId, id);
      if (offset !== session.offset) throw offsetMismatch(id, offset, session.offset);
      if (session.digest !== undefined) return session;
      const arrived = await this.#write(session, source);
      if (arrived === session.sizeBytes) await this.#complete(session);
    } finally {
      this.#busy.delete(id);
    }
    return this.find(projectId, id);
  }

  /** Forgets a session and its bytes; what was kept in the depot stays. */
  async end(projectId: string, id: string): Promise<void> {
    if (this.#busy.has(id)) throw uploadInUse(id);
    await this.find(projectId, id);
    await this.#remove(id);
  }

  /** Takes away what expired. Returns how many sessions. */
  async sweep(now: number): Promise<number> {
    let swept = 0;
    for (const id of new Set((await readdir(this.#directory)).map((name) => name.split('.', 1)[0] ?? ''))) {
      const session = this.#busy.has(id) ? undefined : await this.#age(id);
      if (session === undefined || session + SESSION_MS > now) continue;
      await this.#remove(id);
      swept += 1;
    }
    return swept;
  }

  async #write({ id, offset, sizeBytes }: UploadSession, source: Readable): Promise<number> {
    const file = await open(this.#bytes(id), 'r+');
    try {
      return await writeBehind(file, offset, sizeBytes, source);
    } finally {
      await file.sync();
      await file.close();
    }
  }

  async #complete({ id, projectId, sizeBytes, declared }: UploadSession): Promise<void> {
    try {
      const { digest } = await this.artefacts.adopt(this.#bytes(id), declared);
      await this.brought.add(projectId, digest);
      await this.#note(id, { projectId, sizeBytes, declared, digest });
    } catch (error) {
      if (error instanceof Refused) await this.#remove(id);
      throw error;
    }
  }

  async #read(id: string): Promise<UploadSession | undefined> {
    const text = await readFile(this.#noted(id), 'utf8').catch(absent);
    if (text === undefined) return undefined;
    const noted = Noted.parse(JSON.parse(text));
    const offset = noted.digest === undefined ? (await stat(this.#bytes(id)).catch(absent))?.size : noted.sizeBytes;
    return { id, ...noted, offset: offset ?? 0, expiresAt: ((await this.#age(id)) ?? 0) + SESSION_MS };
  }

  /** When anything last came: milliseconds since 1970. */
  async #age(id: string): Promise<number | undefined> {
    const times = await Promise.all([this.#noted(id), this.#bytes(id)].map(async (path) => (await stat(path).catch(absent))?.mtimeMs));
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  }

  async #note(id: string, noted: Noted): Promise<void> {
    const draft = `${this.#noted(id)}.draft`;
    await writeFile(draft, JSON.stringify(noted), { flush: true });
    await rename(draft, this.#noted(id));
  }

  async #remove(id: string): Promise<void> {
    for (const path of [this.#bytes(id), this.#noted(id), `${this.#noted(id)}.draft`]) await rm(path, { force: true });
  }

  #bytes = (id: string): string => join(this.#directory, id);
  #noted = (id: string): string => join(this.#directory, `${id}.json`);
}

/** @returns how many bytes there are now. More than announced: none of this request's bytes stay. */
async function writeBehind(file: FileHandle, offset: number, sizeBytes: number, source: Readable): Promise<number> {
  let position = offset;
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (position + chunk.length > sizeBytes) {
      await file.truncate(offset);
      throw new Problem(413, 'upload-too-long', 'More bytes came than were announced', `The upload was to have ${sizeBytes} bytes, and more came. It is at byte ${offset} as before; send what is missing, or begin a new upload with the right Upload-Length.`);
    }
    const length = chunk.length;
    for (let written = 0; written < length; ) written += (await file.write(chunk, written, length - written, position + written)).bytesWritten;
    position += length;
    giveBack(chunk);
  }
  return position;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
