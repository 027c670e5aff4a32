import { describe, expect, it } from '@jest/globals';
import type { DiscoveryService } from '@nestjs/core';
import type { Broker } from './broker.ts';
import { Consumers, LedgerConsumer } from './consumers.ts';
import type { ServiceDefinition } from './definition.ts';
import type { Ledger } from './ledger.ts';
import { Readiness } from './readiness.ts';

/** A service without any consumer: nothing else of its surroundings is touched. */
const consumers = (): Consumers => new Consumers({ name: 'spec' } as ServiceDefinition, { getProviders: () => [] } as unknown as DiscoveryService, {} as Ledger, {} as Broker, new Readiness());

describe('catching up', () => {
  it('is not done before the consumers have started, although the doors are open by then', async () => {
    await expect(consumers().catchUp(1)).resolves.toBe(false);
  });

  it('waits for the start', async () => {
    const starting = consumers();
    const caughtUp = starting.catchUp(60_000);
    await starting.start();
    await expect(caughtUp).resolves.toBe(true);
  });
});

@LedgerConsumer({ name: 'spec.reader' })
class Reader {
  async handle(): Promise<void> {}
}

describe('a service with a consumer', () => {
  it('is not ready as long as the consumer has not started, although its doors are open', async () => {
    const readiness = new Readiness();
    const providers = { getProviders: () => [{ instance: new Reader(), metatype: Reader }] } as unknown as DiscoveryService;
    new Consumers({ name: 'spec' } as ServiceDefinition, providers, {} as Ledger, {} as Broker, readiness).announce();
    expect(await readiness.report()).toEqual({ ready: false, draining: false, checks: [{ name: 'consumers', ok: false, detail: 'they have not started yet' }] });
  });
});
