/** How much goes into one event, in characters of JSON: far less than the broker's messages hold, whatever the alphabet. */
const FULL = 200_000;

/** The same items in the same order, in as few lists as hold no more than an event should. One that is larger goes alone. */
export function inParcels<Item extends object>(items: readonly Item[]): Item[][] {
  const parcels: Item[][] = [];
  let room = 0;
  for (const item of items) {
    const size = JSON.stringify(item, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).length;
    const last = parcels.at(-1);
    if (last && size <= room) last.push(item);
    else {
      parcels.push([item]);
      room = FULL;
    }
    room -= size;
  }
  return parcels;
}
