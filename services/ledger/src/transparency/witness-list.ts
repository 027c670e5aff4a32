import { KeyInvalid, parseVerifierKey, type VerifierKey } from '@vitae/transparency';
import { z } from 'zod';

/** A witness that the log asks. */
export interface Witness {
  /** Its key, of type 4. */
  readonly key: VerifierKey;
  /** Where it takes checkpoints: POST `<url>/add-checkpoint` (C2SP tlog-witness). */
  readonly url: string;
}

/** `<verifier key>@<url>`, several with commas between: who is to cosign, and where it is asked. */
export const witnessList = z
  .string()
  .prefault('')
  .transform((text, refinement): readonly Witness[] => {
    const items = text.split(',').map((item) => item.trim()).filter((item) => item !== '');
    try {
      return items.map(witness);
    } catch (error) {
      if (!(error instanceof KeyInvalid)) throw error;
      refinement.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  })
  .describe('a list of <verifier key of the witness>@<its http or https address>, with commas between');

function witness(item: string): Witness {
  const [, vkey = '', url = ''] = /^(.+?)@(https?:\/\/.+)$/.exec(item) ?? [];
  const key = parseVerifierKey(vkey);
  if (key.type !== 4) throw new KeyInvalid(`the key of ${key.name} is not a witness's: it is of type ${key.type}, not 4`);
  return { key, url: url.replace(/\/+$/, '') };
}
