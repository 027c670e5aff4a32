import { describe, expect, it } from '@jest/globals';
import { applyPatch } from 'diff';
import fc from 'fast-check';
import { jsonChanges } from './json-changes.ts';
import { promptDiff, unifiedDiff } from './prompt-diff.ts';
import type { PromptContent } from './prompt.ts';

const text = (said: string): PromptContent => ({ template: { type: 'text', text: said }, modelConfig: null, responseFormat: null });
const chat = (...messages: (readonly [string, string])[]): PromptContent => ({ template: { type: 'chat', messages: messages.map(([role, content]) => ({ role, content })) }, modelConfig: null, responseFormat: null });
const names = { from: 'greeting/1', to: 'greeting/2' };

describe('The difference between two versions of a prompt', () => {
  it('is told by lines and by words', () => {
    const { same, messages } = promptDiff(text('Be kind.\nAnswer {{question}}.\n'), text('Be kind.\nAnswer the {{question}} briefly.\n'));
    expect(same).toBe(false);
    expect(messages).toEqual([
      {
        is: 'changed',
        role: { from: '', to: '' },
        lines: [{ is: 'same', text: 'Be kind.\n' }, { is: 'removed', text: 'Answer {{question}}.\n' }, { is: 'added', text: 'Answer the {{question}} briefly.\n' }],
        words: [{ is: 'same', text: 'Be kind.\nAnswer ' }, { is: 'added', text: 'the ' }, { is: 'same', text: '{{question}}' }, { is: 'added', text: ' briefly' }, { is: 'same', text: '.\n' }],
      },
    ]);
  });
  it('is none between a prompt and itself', () => {
    expect(promptDiff(text('hi'), text('hi'))).toMatchObject({ same: true, messages: [{ is: 'same' }] });
  });
  it('is told of a chat message by message', () => {
    const { messages } = promptDiff(chat(['system', 'Be kind.'], ['user', 'Hello']), chat(['system', 'Be very kind.'], ['assistant', 'Yes?'], ['user', 'Hello']));
    expect(messages.map(({ is, role }) => [is, role])).toEqual([
      ['changed', { from: 'system', to: 'system' }],
      ['added', { to: 'assistant' }],
      ['same', { from: 'user', to: 'user' }],
    ]);
  });
  it('says what has to be filled in now, and how the model is run', () => {
    const diff = promptDiff({ ...text('{{a}} {{b}}'), modelConfig: { temperature: 0.2, top_p: 1 } }, { ...text('{{b}} {{c}}'), modelConfig: { temperature: 0.7, top_p: 1 }, responseFormat: { type: 'object' } });
    expect(diff).toMatchObject({
      variables: { added: ['c'], removed: ['a'] },
      modelConfig: [{ path: '/temperature', from: 0.2, to: 0.7 }],
      responseFormat: [{ path: '', from: null, to: { type: 'object' } }],
    });
  });
  it('is a unified diff for tools', () => {
    expect(unifiedDiff(text('one\ntwo\n'), text('one\nthree\n'), names)).toContain('--- greeting/1\n+++ greeting/2\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n');
    expect(unifiedDiff(chat(['user', 'hi']), chat(['user', 'ho']), names)).toContain(' [user]\n-hi\n+ho\n');
  });
  it('leads from the one to the other, whatever they are', () => {
    const word = fc.constantFrom('a', 'b', '{{x}}', '\n', ' ', '\n\n', '漢', '-', '+');
    const said = fc.array(word, { maxLength: 40 }).map((words) => words.join(''));
    fc.assert(
      fc.property(said, said, (from, to) => {
        const [message] = promptDiff(text(from), text(to)).messages;
        for (const pieces of [message?.lines ?? [], message?.words ?? []]) {
          expect(pieces.filter(({ is }) => is !== 'added').map((piece) => piece.text).join('')).toBe(from);
          expect(pieces.filter(({ is }) => is !== 'removed').map((piece) => piece.text).join('')).toBe(to);
        }
        const end = (one: string): string => `${one.replace(/\n$/, '')}\n`;
        expect(applyPatch(end(from), unifiedDiff(text(from), text(to), names))).toBe(end(to));
      }),
      { numRuns: 300 },
    );
  });
  it('is found in bounded time, also where nothing is the same', () => {
    const lines = (letter: string): string => Array.from({ length: 15_000 }, (_, n) => `${letter}${n}`).join('\n');
    const [from, to] = [lines('a'), lines('b')];
    expect(promptDiff(text(from), text(to)).messages[0]?.lines).toEqual([{ is: 'removed', text: from }, { is: 'added', text: to }]);
    expect(applyPatch(`${from}\n`, unifiedDiff(text(from), text(to), names))).toBe(`${to}\n`);
  });
});

describe('What changed in JSON', () => {
  it('is told by where it is', () => {
    expect(jsonChanges({ a: 1, 'b/c': { d: [1] } }, { a: 1, 'b/c': { d: [1, 2] }, e: null })).toEqual([{ path: '/b~1c/d', from: [1], to: [1, 2] }, { path: '/e', to: null }]);
    expect(jsonChanges({ x: { y: 1 } }, {})).toEqual([{ path: '/x', from: { y: 1 } }]);
    expect(jsonChanges({ b: 1, a: [{ z: 1, y: 2 }] }, { a: [{ y: 2, z: 1 }], b: 1 })).toEqual([]);
    expect(jsonChanges(JSON.parse('{"__proto__":1}'), {})).toEqual([{ path: '/__proto__', from: 1 }]);
  });
});
