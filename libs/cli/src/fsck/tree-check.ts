import { appendLeaves, emptyFrontier, rootOf, TILE_WIDTH, type Frontier } from '@vitae/transparency';
import type { Leaf } from './entry-check.ts';
import type { Report } from './fault.ts';
import { reportChangedEvents, reportChangedHistory, reportChangedTiles, reportFittedTiles, type BrokenPromises, type Difference } from './tree-faults.ts';

/** A root over the first `size` entries that the log's key has signed. */
export interface Signed {
  readonly size: number;
  readonly root: Buffer;
  /** What messages call it, e.g. `checkpoint 600`. */
  readonly name: string;
}

/** The log's leaves as somebody other than the event rows tells them: the tiles of the database, an export. */
export interface Witness {
  /** What messages call it, e.g. `the stored tiles`. */
  readonly name: string;
  /** Up to 256 leaf hashes from index `n * 256` on; fewer where it knows no more. */
  leaves(n: number): Promise<readonly Buffer[]>;
}

interface Branch extends Witness {
  /** Its tree; absent while it is that of the rows. */
  frontier: Frontier | undefined;
  /** Where it differs from the rows since the last signed root that settled it. */
  differences: Difference[];
  /** Where another witness differs, but this one tells what the rows tell. */
  agreed: Leaf[];
}

const UNKNOWN_LEAF = Buffer.alloc(32);
/** More are not kept: whoever rewrote that much is found out by the first ones. */
const MOST_DIFFERENCES = 10_000;

/**
 * Lets the tree grow from the event rows, and beside it the tree that each witness tells. Where they differ, the next
 * signed root says who is right: the tiles were rewritten, or the events were changed, and then the tiles say which ones.
 * When none is right, the change lies between the last signed root that held and the first that does not.
 */
export function newTreeCheck(witnesses: readonly Witness[], report: Report) {
  const branches: Branch[] = witnesses.map((witness) => ({ ...witness, leaves: (n) => witness.leaves(n), frontier: undefined, differences: [], agreed: [] }));
  let rows = emptyFrontier;
  let held = 0;
  let broken: BrokenPromises | undefined;

  /**
   * Up to 256 leaves from index `n * 256` on, and the signed roots whose size lies behind one of them, smallest first.
   * Returns the leaves' hashes; where the rows have none, that of a witness.
   */
  async function block(n: number, leaves: readonly Leaf[], signed: readonly Signed[]): Promise<readonly Buffer[]> {
    const told = await Promise.all(branches.map((branch) => branch.leaves(n)));
    const own = leaves.map((leaf, i) => leaf.hash ?? told.map((hashes) => hashes[i]).find((hash) => hash) ?? UNKNOWN_LEAF);
    const start = n * TILE_WIDTH;
    let done = 0;
    for (const promise of [...signed, undefined]) {
      const end = promise ? promise.size - start : leaves.length;
      grow(leaves.slice(done, end), own.slice(done, end), told.map((hashes) => hashes.slice(done, end)));
      done = end;
      if (promise) settle(promise);
    }
    return own;
  }

  function grow(leaves: readonly Leaf[], own: readonly Buffer[], told: readonly (readonly Buffer[])[]): void {
    const differs = (b: number, i: number): boolean => told[b]?.[i]?.equals(own[i] ?? UNKNOWN_LEAF) === false;
    const contested = own.flatMap((_, i) => (branches.some((__, b) => differs(b, i)) ? [i] : []));
    branches.forEach((branch, b) => {
      for (const i of contested) {
        const [leaf, theirs] = [leaves[i], told[b]?.[i]];
        if (!leaf || !theirs || branch.differences.length + branch.agreed.length >= MOST_DIFFERENCES) continue;
        if (differs(b, i)) branch.differences.push({ leaf, theirs });
        else branch.agreed.push(leaf);
      }
      if (branch.frontier || contested.some((i) => differs(b, i))) branch.frontier = appendLeaves(branch.frontier ?? rows, own.map((hash, i) => told[b]?.[i] ?? hash));
    });
    rows = appendLeaves(rows, own);
  }

  function settle(promise: Signed): void {
    const holds = (tree: Frontier): boolean => rootOf(tree).equals(promise.root);
    const right = holds(rows) ? undefined : branches.find((branch) => branch.frontier && holds(branch.frontier));
    if (!right && !holds(rows)) {
      broken = broken ? { ...broken, last: promise, count: broken.count + 1 } : { held, first: promise, last: promise, count: 1 };
      return;
    }
    if (right) reportChangedEvents(right.differences, `${promise.name} and ${right.name} hold another one`, report);
    const truth = new Map(right?.differences.map(({ leaf, theirs }) => [leaf.index, theirs]));
    for (const { name, differences, agreed } of branches.filter((branch) => branch !== right)) {
      reportChangedTiles(name, differences.filter(({ leaf, theirs }) => !truth.get(leaf.index)?.equals(theirs)), promise.name, report);
      if (right) reportFittedTiles(name, agreed, report);
    }
    if (right?.frontier) rows = right.frontier;
    for (const branch of branches) Object.assign(branch, { frontier: undefined, differences: [], agreed: [] });
    closeBroken();
    held = promise.size;
  }

  function closeBroken(): void {
    if (broken) reportChangedHistory(broken, report);
    broken = undefined;
  }

  /** To be called behind the last leaf: what no signed root has settled is told, too. */
  function finish(): { readonly size: number; readonly root: Buffer } {
    closeBroken();
    for (const { name, differences } of branches) reportChangedEvents(differences, `${name} hold another one, and no valid checkpoint says who is right`, report);
    return { size: rows.size, root: rootOf(rows) };
  }

  return { block, finish };
}
