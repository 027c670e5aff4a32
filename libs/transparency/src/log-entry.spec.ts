import { hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BundleInvalid, decodeEntries, decodeEvents, encodeEntries, EntryInvalid, eventLine, logEntry, parseLogEntry } from './index.ts';
import { storedEvent } from './small-log.fixture.ts';

const sha256 = (text: string): string => hash('sha256', text, 'hex');

describe('the entry of an event', () => {
  it('given an event, then its entry is canonical JSON with hashes of all that is stored', () => {
    const event = storedEvent(4);
    const contextHash = sha256(`${event.metadata}\n${event.subjects.join(' ')}`);
    expect(logEntry(event).toString()).toBe(
      `{"actor":"dana","causationId":"","contextHash":"${contextHash}","correlationId":"c-4","id":"${event.id}","payloadHash":"${sha256(event.payload)}",` +
        `"projectId":"credit","recordedAt":"2026-11-21T11:00:00.000004Z","revision":1,"stream":"registry.Model-${event.id}","type":"vitae.registry.v1.ModelRegistered","v":1}`,
    );
    expect(parseLogEntry(logEntry(event))).toMatchObject({ actor: 'dana', id: event.id, payloadHash: sha256(event.payload), contextHash });
  });

  it('given an event that differs in anything stored, then so does its entry', () => {
    const plain = logEntry(storedEvent(4)).toString();
    const { metadata } = storedEvent(4);
    for (const more of [
      { payload: '{}' },
      { subjects: ['model:m-2'] },
      { subjects: [] },
      { metadata: metadata.replace('spec', 'whim') },
      { metadata: metadata.replace('c-4', 'c-5') },
      { recordedAt: '2026-11-21T11:00:00.000005Z' },
      { revision: 2 },
      { stream: 'registry.Model-x' },
      { projectId: 'other' },
      { type: 'vitae.registry.v1.ModelRenamed' },
      { id: '0199aaaa-0000-7000-8000-000000000005' },
    ]) {
      expect(logEntry(storedEvent(4, more)).toString()).not.toBe(plain);
    }
  });

  it('given text that JSON escapes or that is not ASCII, then the entry is read back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text.isWellFormed()), (text) => {
        const event = storedEvent(1, { stream: text, metadata: JSON.stringify({ actor: { id: text }, correlationId: text }) });
        expect(parseLogEntry(logEntry(event))).toMatchObject({ stream: text, actor: text, correlationId: text, causationId: '' });
      }),
    );
  });

  it.each([
    ['metadata that is no JSON', { metadata: 'actor: dana' }],
    ['half a surrogate pair', { stream: '\ud800' }],
    ['an entry over 16 KB', { stream: 'x'.repeat(16_384) }],
    ['a time without microseconds', { recordedAt: '2026-11-21T11:00:00Z' }],
    ['a time of another zone', { recordedAt: '2026-11-21T11:00:00.000000+01:00' }],
    ['revision 0', { revision: 0 }],
    ['revision 1.5', { revision: 1.5 }],
  ])('given an event with %s, then it has no entry', (_, more) => {
    expect(() => logEntry(storedEvent(1, more))).toThrow(EntryInvalid);
  });

  it.each(['{"correlationId":"c"}', '[]', '{"actor":7}', `{"actor":{"id":"${'x'.repeat(129)}"}}`])('given metadata without a proper actor (%s), then the entry names none', (metadata) => {
    expect(parseLogEntry(logEntry(storedEvent(1, { metadata }))).actor).toBe('');
  });

  it('given bytes that logEntry would not write, then they are refused', () => {
    const entry = logEntry(storedEvent(1));
    const text = entry.toString();
    for (const bytes of [
      Buffer.from(` ${text}`),
      Buffer.from(`${text}\n`),
      Buffer.from(text.replace('"revision":1', '"revision":1.0')),
      Buffer.from(text.replace('"revision":1', '"revision":"1"')),
      Buffer.from(text.replace('"v":1', '"v":1,"x":2')),
      Buffer.from(text.replace(/"payloadHash":"../, '"payloadHash":"AB')),
      Buffer.from(text.replace('"credit"', '"cre\\u0064it"')),
      Buffer.concat([Buffer.from(text.replace('"credit"', '"').slice(0, -1)), Buffer.of(0xff)]),
      Buffer.from('[]'),
      Buffer.from('null'),
      Buffer.alloc(0),
    ]) {
      expect(() => parseLogEntry(bytes)).toThrow(EntryInvalid);
    }
  });
});

describe('bundles', () => {
  it('given any entries, then a bundle gives them back', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 }), (entries) => {
        expect(decodeEntries(encodeEntries(entries)).map((entry) => [...entry])).toEqual(entries.map((entry) => [...entry]));
      }),
      { numRuns: 30 },
    );
    expect([...encodeEntries([Buffer.from('abc'), Buffer.alloc(0)])]).toEqual([0, 3, 97, 98, 99, 0, 0]);
  });

  it('given the longest entry a bundle can hold, then it holds it; given a longer one, or too many, then not', () => {
    expect(decodeEntries(encodeEntries([Buffer.alloc(65_535)]))[0]?.length).toBe(65_535);
    expect(() => encodeEntries([Buffer.alloc(65_536)])).toThrow(BundleInvalid);
    expect(() => encodeEntries(Array.from({ length: 257 }, () => Buffer.alloc(1)))).toThrow(BundleInvalid);
    expect(() => decodeEntries(Buffer.alloc(2 * 257))).toThrow(BundleInvalid);
  });

  it.each([1, 3, 4])('given a bundle cut to %d bytes, then it is refused', (length) => {
    expect(() => decodeEntries(encodeEntries([Buffer.from('abc')]).subarray(0, length))).toThrow('ends in the middle of its entry 0');
  });

  it('given events, then a line holds their exact bytes', () => {
    const events = [storedEvent(1), storedEvent(2, { subjects: [] })];
    const lines = decodeEvents(Buffer.from(events.map(eventLine).join('')));
    expect(lines.map(({ payload, metadata, subjects }) => [payload.toString(), metadata.toString(), subjects.toString()])).toEqual(
      events.map(({ payload, metadata, subjects }) => [payload, metadata, subjects.join(' ')]),
    );
    expect(lines[0]?.context.toString()).toBe(`${events[0]?.metadata}\n${events[0]?.subjects.join(' ')}`);
  });

  it('given bytes that were read, then reading has not changed them', () => {
    const bytes = Buffer.from(eventLine(storedEvent(1)));
    const before = Buffer.from(bytes);
    decodeEvents(bytes);
    expect(bytes).toEqual(before);
  });

  it.each(['{}\t{}', '{}\t{}\n', '{}\n', '{}\t{}\t\tmore\n', '\n'])('given the line %j, then it is refused', (line) => {
    expect(() => decodeEvents(Buffer.from(line))).toThrow(BundleInvalid);
  });

  it('given an event whose bytes hold a raw tab or newline, then it has no line', () => {
    for (const more of [{ payload: '{\n}' }, { metadata: '{\t}' }, { subjects: ['a\tb'] }]) expect(() => eventLine(storedEvent(1, more))).toThrow(BundleInvalid);
  });
});
