import { describe, expect, it } from '@jest/globals';
import { caughtUp } from './caught-up.ts';

describe('a decision', () => {
  it('is taken when the service has read everything', () => expect(caughtUp({ catchUp: () => Promise.resolve(true) })).resolves.toBeUndefined());
  it('is not taken on less, and says so', () => expect(caughtUp({ catchUp: () => Promise.resolve(false) })).rejects.toMatchObject({ status: 503, slug: 'views-behind' }));
});
