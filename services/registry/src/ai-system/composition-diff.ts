import { jsonChanges, type JsonChange } from '../prompt/json-changes.ts';
import type { Composition, PinnedComponent } from './composition.ts';

export interface ComponentChange {
  readonly is: 'added' | 'removed' | 'changed';
  readonly kind: PinnedComponent['kind'];
  readonly role: string;
  readonly name: string;
  readonly from?: PinnedComponent;
  readonly to?: PinnedComponent;
}
export interface CompositionDiff {
  readonly same: boolean;
  readonly components: readonly ComponentChange[];
  readonly parameters: readonly JsonChange[];
  /** Whether what is asked one after the other is asked in another order. */
  readonly reordered: boolean;
}

/** What changed between two versions of a system, component by component: the same kind of thing by the same name in the same role. */
export function compositionDiff(from: Composition, to: Composition): CompositionDiff {
  const [before, after] = [bySlot(from.components), bySlot(to.components)];
  const components = [...new Set([...before.keys(), ...after.keys()])].flatMap((slot): ComponentChange[] => {
    const [gone, came] = [before.get(slot), after.get(slot)];
    const one = gone ?? came;
    if (!one || (gone && came && identity(gone) === identity(came))) return [];
    const { kind, role, name } = one;
    return [{ is: gone ? (came ? 'changed' : 'removed') : 'added', kind, role, name, ...(gone ? { from: gone } : {}), ...(came ? { to: came } : {}) }];
  });
  const parameters = jsonChanges(from.parameters, to.parameters);
  const reordered = components.length === 0 && from.components.map(identity).join() !== to.components.map(identity).join();
  return { same: components.length === 0 && parameters.length === 0 && !reordered, components, parameters, reordered };
}

const identity = ({ kind, role, id, revision, digest }: PinnedComponent): string => [kind, role, id, revision, digest].join('/');

/** Of several by one name in one role, the first is compared with the first. */
function bySlot(components: readonly PinnedComponent[]): ReadonlyMap<string, PinnedComponent> {
  const slots = new Map<string, PinnedComponent>();
  for (const one of components) {
    const slot = `${one.kind}/${one.role}/${one.name}`;
    let place = 0;
    while (slots.has(`${slot}#${place}`)) place += 1;
    slots.set(`${slot}#${place}`, one);
  }
  return slots;
}
