import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from '@jest/globals';
import { freshNats, type FreshNats } from './fresh-nats.ts';

let nats: FreshNats;
afterEach(() => nats.drop());

/** How many messages the stream holds; it is made when it is not there. */
async function messages(publish: number): Promise<number> {
  const connection = await connect({ servers: nats.url });
  try {
    const streams = (await jetstreamManager(connection)).streams;
    await streams.add({ name: 'KEPT', subjects: ['kept'] });
    for (let sent = 0; sent < publish; sent += 1) await jetstream(connection).publish('kept', 'x');
    return (await streams.info('KEPT')).state.messages;
  } finally {
    await connection.close();
  }
}

describe('freshNats', () => {
  it('keeps its store over a restart, at the same address, and forgets it when it is emptied', async () => {
    nats = await freshNats();
    expect(await messages(2)).toBe(2);
    await nats.restart();
    expect(await messages(1)).toBe(3);
    await nats.stop('SIGKILL');
    await nats.restart({ emptied: true });
    expect(await messages(0)).toBe(0);
  });
});
