import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { newProgress } from './progress.ts';

/** A stream that keeps what is written. */
function sheet(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 100, cursorTo: () => true, clearLine: () => true, moveCursor: () => true }) as unknown as NodeJS.WriteStream, text: () => text };
}

describe('progress', () => {
  it('writes a line at each tenth where there is no terminal', () => {
    const { stream, text } = sheet(false);
    const progress = newProgress('checking', {}, stream);
    for (let done = 0; done <= 100_000; done += 1_000) progress.update(done, 100_000);
    progress.stop();
    expect(text().split('\n').slice(0, 2)).toEqual(['checking: 10000 of 100000', 'checking: 20000 of 100000']);
    expect(text().trimEnd().split('\n')).toHaveLength(10);
  });

  it('says nothing on a short run, and never with --json', () => {
    const [short, json] = [sheet(false), sheet(true)];
    newProgress('checking', {}, short.stream).update(600, 600);
    newProgress('checking', { json: true }, json.stream).update(50_000, 100_000);
    expect([short.text(), json.text()]).toEqual(['', '']);
  });

  it('draws a bar on a terminal', () => {
    const { stream, text } = sheet(true);
    const progress = newProgress('checking', {}, stream);
    progress.update(50, 100);
    progress.stop();
    expect(text()).toContain('50 of 100');
  });
});
