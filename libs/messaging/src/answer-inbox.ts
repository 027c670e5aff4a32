import { createInbox, type Msg, type NatsConnection } from '@nats-io/nats-core';
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal';

/** Takes the answer to the nth message of a page, or what befell the subscription. */
type TakeAnswer = (broken: Error | null, n: number, answer: Msg) => void;

export interface AnswerInbox {
  /** A place for the answers of one page: `<inbox>.<n>` is the reply subject of its nth message. */
  open(take: TakeAnswer): { readonly inbox: string; close(): void };
}

/** One inbox a connection for as long as it lives: to subscribe for each page costs the server and us two more writes. */
const inboxes = new WeakMap<NatsConnection, AnswerInbox>();

export function inboxOf(nats: NatsConnection): AnswerInbox {
  const known = inboxes.get(nats);
  if (known) return known;
  const root = createInbox((nats as NatsConnectionImpl).options.inboxPrefix); // the only place where this login may hear answers
  const pages = new Map<number, TakeAnswer>();
  let opened = 0;
  nats.subscribe(`${root}.*.*`, {
    callback: (broken, answer) => {
      if (broken) {
        inboxes.delete(nats); // it brings nothing any more; the next page opens another
        for (const take of [...pages.values()]) take(broken, 0, answer);
        return;
      }
      const [page, n] = answer.subject.slice(root.length + 1).split('.');
      pages.get(Number(page))?.(null, Number(n), answer); // one whose page is closed comes too late to matter
    },
  });
  const inbox: AnswerInbox = {
    open: (take) => {
      const page = opened++;
      pages.set(page, take);
      return { inbox: `${root}.${page}`, close: () => void pages.delete(page) };
    },
  };
  inboxes.set(nats, inbox);
  return inbox;
}
