// A subscriber outside of Vitae. It needs @nats-io/transport-node and @nats-io/jetstream, and nothing of ours.
import { appendFile, readFile } from 'node:fs/promises';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const STREAM = 'VITAE_LEDGER';
const DURABLE = 'risk-register';
const KEPT = process.env['KEPT'] ?? 'events.jsonl';

// What this subscriber keeps is also its bookmark: the index of the last event, written together with its effect.
const lines = (await readFile(KEPT, 'utf8').catch(() => '')).trimEnd().split('\n');
let last = Number((JSON.parse(lines.at(-1) || '{"index":-1}') as { index: number }).index);

const nats = await connect({
  servers: process.env['NATS_URL'] ?? 'nats://127.0.0.1:4222',
  ...(process.env['NATS_USER'] ? { user: process.env['NATS_USER'], pass: process.env['NATS_PASSWORD'] ?? '' } : {}),
  inboxPrefix: `_INBOX.${DURABLE}`, // so that its answers are all that it needs the right to hear
});
const manager = await jetstreamManager(nats, { checkAPI: false });
// The durable remembers on the server what was acknowledged. It is made once, and again after JetStream lost its store:
// sequence = index + 1, so it goes on behind what is kept here.
await manager.consumers.info(STREAM, DURABLE).catch(() =>
  manager.consumers.add(STREAM, {
    durable_name: DURABLE,
    filter_subject: 'vitae.ledger.credit.>',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: last + 2,
    // One at a time keeps the order: what was sent to a program that died comes again before anything later does.
    max_ack_pending: 1,
    ack_wait: 5_000_000_000, // nanoseconds until then
  }),
);

const consumer = await jetstream(nats, { checkAPI: false }).consumers.get(STREAM, DURABLE);
// Ends with an error when stream or durable are gone; whoever started this program starts it again.
for await (const message of await consumer.consume({ max_messages: 100, abort_on_missing_resource: true })) {
  const attribute = (name: string): string => decodeURIComponent(message.headers?.get(`ce-${name}`) ?? '');
  const index = Number(attribute('index'));
  // At least once: what was kept but not acknowledged comes again, and is known by its index.
  if (index > last) {
    const event = { index, id: attribute('id'), type: attribute('type'), stream: attribute('stream'), revision: Number(attribute('revision')), data: message.json() };
    await appendFile(KEPT, `${JSON.stringify(event)}\n`, { flush: true });
    last = index;
  }
  message.ack();
}
process.exit(1);
