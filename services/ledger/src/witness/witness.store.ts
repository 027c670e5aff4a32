import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { newSigner, parseCheckpoint, privateText, signerFrom, type Checkpoint, type Signer } from '@vitae/transparency';

/** Key and memory of the witness do not belong together any more. It MUST NOT cosign. */
export class MemoryLost extends Error {
  override readonly name = 'MemoryLost';
}

/** The last checkpoint that was cosigned for each log, on disk. */
export interface WitnessMemory {
  latest(origin: string): Checkpoint | undefined;
  /** Durable when it resolves. */
  remember(checkpoint: Checkpoint, note: string): Promise<void>;
}

/**
 * Opens key and memory; both are made at the first start, the memory first. A key without its memory is refused: a witness that
 * forgot what it cosigned would cosign a second history.
 *
 * @throws MemoryLost
 */
export async function openWitness({ keyFile, stateFile, name }: { readonly keyFile: string; readonly stateFile: string; readonly name: string }): Promise<{ readonly signer: Signer; readonly memory: WitnessMemory }> {
  const [key, state] = [await textOf(keyFile), await textOf(stateFile)];
  if (key !== undefined && state === undefined) {
    throw new MemoryLost(`the key in ${keyFile} cosigned before, and ${stateFile} is gone: bring the file back, or retire this key and start with new ones`);
  }
  const notes = new Map(Object.entries(JSON.parse(state ?? '{}') as Record<string, string>));
  if (state === undefined) await writeDurably(stateFile, '{}\n');
  const signer = key === undefined ? newSigner(name, 4) : signerFrom(key.trim());
  if (key === undefined) await writeDurably(keyFile, `${privateText(signer)}\n`);

  return {
    signer,
    memory: {
      latest: (origin) => {
        const note = notes.get(origin);
        return note === undefined ? undefined : parseCheckpoint(note.slice(0, note.indexOf('\n\n') + 1));
      },
      remember: async ({ origin }, note) => {
        await writeDurably(stateFile, `${JSON.stringify({ ...Object.fromEntries(notes), [origin]: note }, undefined, 1)}\n`);
        notes.set(origin, note);
      },
    },
  };
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** The new text or the old one, whenever the power fails. */
async function writeDurably(path: string, text: string): Promise<void> {
  const draft = await open(`${path}.draft`, 'w', 0o600);
  try {
    await draft.writeFile(text);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${path}.draft`, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
