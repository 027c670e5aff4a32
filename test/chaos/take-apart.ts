import type { Call, TakeApart } from './cutting-proxy.ts';

/**
 * PostgreSQL's protocol from the client's side: a first message without a type, then a type byte and a length. A statement
 * is named by its text where it is run: at Query, or at Bind, whose statement was parsed under a name before.
 */
export function postgresCalls(): TakeApart {
  const texts = new Map<string, string>();
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const calls: Call[] = [];
    for (;;) {
      const typeLength = started ? 1 : 0;
      if (rest.length < typeLength + 4) return calls;
      const length = typeLength + rest.readUInt32BE(typeLength);
      if (rest.length < length) return calls;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      calls.push({ name: started ? statementIn(message, texts) : '', bytes: message });
      started = true;
    }
  };
}

function statementIn(message: Buffer, texts: Map<string, string>): string {
  const type = String.fromCharCode(message[0] ?? 0);
  const [first = '', second = ''] = message.toString('utf8', 5).split('\0', 2);
  if (type === 'P') texts.set(first, second);
  if (type === 'Q') return shortened(first);
  return type === 'B' ? shortened(texts.get(second) ?? '') : '';
}

/** Without numbers, which differ from call to call, and not longer than a line. */
const shortened = (text: string): string => text.replace(/\s+/g, ' ').replace(/(?<![$\w])\d+\b/g, '0').trim().slice(0, 110);

/** NATS from the client's side: a line, and for PUB and HPUB as many bytes behind it as the line's last word says. */
export function natsCalls(): TakeApart {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const calls: Call[] = [];
    for (;;) {
      const end = rest.indexOf('\r\n');
      if (end < 0) return calls;
      const words = rest.toString('latin1', 0, end).split(' ');
      const [verb = '', subject = ''] = words;
      const length = end + 2 + (verb === 'PUB' || verb === 'HPUB' ? Number(words.at(-1)) + 2 : 0);
      if (rest.length < length) return calls;
      calls.push({ name: ['PUB', 'HPUB', 'SUB', 'UNSUB'].includes(verb) ? `${verb} ${verb === 'UNSUB' ? '' : kindOf(subject)}`.trim() : verb, bytes: rest.subarray(0, length) });
      rest = rest.subarray(length);
    }
  };
}

/** Inboxes, acknowledgements and events have a subject each. */
const kindOf = (subject: string): string => {
  const kind = /^(_INBOX|\$JS\.ACK|vitae\.ledger)\b/.exec(subject)?.[0];
  return kind ?? subject.replace(/\d+/g, '0');
};
