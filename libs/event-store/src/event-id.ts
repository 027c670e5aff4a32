import { v7 as uuidv7 } from 'uuid';

const BYTES = 16;
/** Drawing random bytes is a call into the system that costs more than all else about an id: so for 256 ids at once. */
const drawn = new Uint8Array(256 * BYTES);
let used = drawn.length;

/** A new UUIDv7. Ids of one millisecond are in no order: a stream is ordered by revision, the ledger by index. */
export function newEventId(): string {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn);
    used = 0;
  }
  return uuidv7({ random: drawn.subarray(used, (used += BYTES)) });
}
