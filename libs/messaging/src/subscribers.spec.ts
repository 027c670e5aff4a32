import { describe, expect, it } from '@jest/globals';
import { filtersOf, readSubscribers, rightsOfKeeper } from './subscribers.ts';

const list = (...entries: readonly object[]): string => JSON.stringify(entries);

describe('a list of subscribers', () => {
  it('names each with its projects', () => {
    const [bi] = readSubscribers(list({ name: 'bi', projects: ['fraud', 'credit'] }));
    expect(bi).toEqual({ name: 'bi', projects: ['fraud', 'credit'] });
    expect(filtersOf(bi!)).toEqual(['vitae.ledger.credit.>', 'vitae.ledger.fraud.>']);
  });

  it.each<[string, string, RegExp]>([
    ['a project that is every project', list({ name: 'bi', projects: ['*'] }), /^0\/projects\/0: expected/],
    ['a project with parts', list({ name: 'bi', projects: ['credit.>'] }), /^0\/projects\/0: expected/],
    ['no project', list({ name: 'bi', projects: [] }), /^0\/projects: /],
    ['the name of a service', list({ name: 'governance', projects: ['credit'] }), /^0\/name: this name is one of the suite itself/],
    ['the durable of a service', list({ name: 'registry-lineage', projects: ['credit'] }), /one of the suite/],
    ['the name of the keeper', list({ name: 'subscriptions', projects: ['credit'] }), /one of the suite/],
    ['a name that is a path', list({ name: '../bi', projects: ['credit'] }), /^0\/name: expected/],
    ['one name twice', list({ name: 'bi', projects: ['credit'] }, { name: 'bi', projects: ['fraud'] }), /^the list: two subscribers bear one name/],
    ['a word that means nothing', list({ name: 'bi', projects: ['credit'], write: true }), /^0: /],
  ])('is refused with %s', (_name, text, message) => {
    expect(() => readSubscribers(text)).toThrow(message);
  });

  it('lets its keeper near no other durable and no event', () => {
    const { publish, subscribe } = rightsOfKeeper(['bi']);
    expect(publish).toEqual(['$JS.API.CONSUMER.DURABLE.CREATE.VITAE_LEDGER.bi', '$JS.API.CONSUMER.INFO.VITAE_LEDGER.bi', '$JS.API.CONSUMER.DELETE.VITAE_LEDGER.bi']);
    expect(subscribe).toEqual(['_INBOX.subscriptions.>']);
  });
});
