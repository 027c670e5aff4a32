import type { Effect, Entry, Lie, Message, Page } from './history.ts';

/** Message i + 1 of JetStream is event i: the same bytes, and nothing before, between or behind. */
export function checkMessages(messages: readonly Message[], ledger: readonly Entry[]): readonly Lie[] {
  const lies: Lie[] = [];
  const at = new Map(messages.map((message) => [message.sequence, message]));
  for (const entry of ledger) {
    const message = at.get(entry.index + 1);
    if (!message) lies.push({ kind: 'message-missing', what: `JetStream has no message at sequence ${entry.index + 1}` });
    else if (message.id !== entry.id || message.payload !== entry.payload || message.index !== entry.index || message.revision !== entry.revision || message.stream !== entry.stream) {
      lies.push({ kind: 'message-differs', what: `the message at sequence ${message.sequence} is not event ${entry.index}: ${JSON.stringify(message)}` });
    }
  }
  for (const { sequence } of messages) if (sequence > ledger.length) lies.push({ kind: 'message-unknown', what: `JetStream has a message at sequence ${sequence}, the ledger ends with ${ledger.length}` });
  return lies;
}

/** The effects, in the order in which they happened, are the ledger. */
export function checkEffects(effects: readonly Effect[], ledger: readonly Entry[]): readonly Lie[] {
  const lies: Lie[] = [];
  const times = Map.groupBy(effects, ({ index }) => index);
  for (const { index, id } of ledger) {
    const own = times.get(index) ?? [];
    if (own.length === 0) lies.push({ kind: 'effect-missing', what: `event ${index} had no effect` });
    if (own.length > 1) lies.push({ kind: 'effect-doubled', what: `event ${index} had its effect ${own.length} times` });
    if (own.some((effect) => effect.id !== id)) lies.push({ kind: 'effect-differs', what: `the effect of event ${index} was that of another event` });
  }
  const turned = effects.find(({ index }, i) => i > 0 && index < (effects[i - 1] as Effect).index);
  if (turned) lies.push({ kind: 'effect-order', what: `the effect of event ${turned.index} came after that of a later event` });
  for (const [index] of times) if (index >= ledger.length) lies.push({ kind: 'effect-unknown', what: `there was an effect for index ${index}, which no event has` });
  return lies;
}

/** What a reader once saw stays: each page that it read while all went wrong is what the ledger holds in the end. */
export function checkPages(pages: readonly Page[], ledger: readonly Entry[]): readonly Lie[] {
  const lies: Lie[] = [];
  let head = 0;
  for (const page of pages) {
    const wrong = page.ids.findIndex((id, i) => ledger[page.from + i]?.id !== id);
    if (wrong >= 0) lies.push({ kind: 'read-changed', what: `index ${page.from + wrong} was read as event ${page.ids[wrong]}, and is ${ledger[page.from + wrong]?.id ?? 'not there'}` });
    if (page.head < head) lies.push({ kind: 'read-backwards', what: `after the next index was ${head}, a reader saw it at ${page.head}` });
    head = Math.max(head, page.head);
  }
  return lies;
}
