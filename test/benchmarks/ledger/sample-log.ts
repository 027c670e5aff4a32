import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { entriesPath, eventsPath, logFiles, newSigner, tilePath, type LogSource, type Signer, type StoredEvent } from '@vitae/transparency';
import { v7 as uuidv7 } from 'uuid';
import { METADATA, samples, SUBJECTS } from './sample-event.ts';

/** A whole log of sample events: the files of an export. */
export interface SampleLog {
  readonly size: number;
  readonly signer: Signer;
  readonly files: ReadonlyMap<string, Buffer>;
}

export function sampleLog(size: number): SampleLog {
  const signer = newSigner('vitae.local/ledger/bench');
  const events = samples(size).map(({ message, payload }, i): StoredEvent => ({
    id: uuidv7(),
    stream: `governance.UseCase-${uuidv7()}`,
    revision: 1,
    type: message.$typeName,
    projectId: 'bench',
    subjects: SUBJECTS,
    payload,
    metadata: METADATA,
    recordedAt: `2026-11-21T11:00:00.${String(i % 1_000_000).padStart(6, '0')}Z`,
  }));
  return { size, signer, files: logFiles(events, [signer]) };
}

/** Writes the log as an export is written. */
export async function writeLog({ files }: SampleLog, directory: string): Promise<void> {
  for (const [path, bytes] of files) {
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

/** Reads an export that is whole; a missing file is this benchmark's fault and rejects. */
export const logIn = (directory: string): LogSource => ({
  checkpoint: () => readFile(join(directory, 'checkpoint'), 'utf8'),
  tile: (tile) => readFile(join(directory, tilePath(tile))),
  entries: (index, width) => readFile(join(directory, entriesPath(index, width))),
  events: (index, width) => readFile(join(directory, eventsPath(index, width))),
});
