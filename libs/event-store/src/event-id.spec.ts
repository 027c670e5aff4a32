import { describe, expect, it } from '@jest/globals';
import { newEventId } from './event-id.ts';

describe('the id of an event', () => {
  it('given more ids than random bytes are drawn for at once, then each is another UUIDv7, of now', () => {
    const before = Date.now();
    const ids = Array.from({ length: 2_000 }, newEventId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(ids.map((id) => id.slice(19))).size).toBe(ids.length); // the random half
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const millis = parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
      expect(millis).toBeGreaterThanOrEqual(before);
      expect(millis).toBeLessThanOrEqual(Date.now());
    }
  });
});
