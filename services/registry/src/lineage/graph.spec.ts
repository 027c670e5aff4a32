import { describe, expect, it } from '@jest/globals';
import { toDot, toMermaid, type DrawnNode } from './graph.ts';
import { plainLabel, readNode, written } from './node.ts';

const at = { since: '2026-05-01T00:00:00Z', eventId: 'e' };
const node = (kind: string, id: string, label: string, state?: string): DrawnNode => ({ node: `${kind}:${id}`, kind, id, label, distance: 0, ...at, ...(state === undefined ? {} : { state }) });
const graph = {
  nodes: [node('source', 's3://a"b\\', 'say "hi" \\ | there\nnow'), node('model-version', 'v', 'credit <b>1</b>; end', 'registered')],
  edges: [{ from: 'source:s3://a"b\\', to: 'model-version:v', relation: 'taken-from', ...at }],
};

describe('A drawing', () => {
  it('is a digraph of Graphviz, whatever stands in the names', () =>
    expect(toDot(graph).split('\n')).toEqual([
      'digraph lineage {',
      '  rankdir=LR;',
      '  node [shape=box, style=rounded];',
      '  "source:s3://a\\"b\\\\" [label="source\\nsay \\"hi\\" \\\\ / there now"];',
      '  "model-version:v" [label="model-version\\ncredit <b>1</b>; end\\nregistered"];',
      '  "source:s3://a\\"b\\\\" -> "model-version:v" [label="taken-from"];',
      '}',
      '',
    ]));

  it('is a flowchart of Mermaid, with every sign that it could misread as a number', () =>
    expect(toMermaid(graph).split('\n')).toEqual([
      'flowchart LR',
      '  n0["source<br/>say #34;hi#34; #92; / there now"]',
      '  n1["model-version<br/>credit #60;b#62;1#60;/b#62;#59; end<br/>registered"]',
      '  n0 -->|"taken-from"| n1',
      '',
    ]));
});

describe('A node', () => {
  it('is read as it is written', () => {
    for (const text of ['model-version:0189', 'source:s3://bucket/a:b', 'commit:https://example.org/a.git@abc']) expect(written(readNode(text) ?? { kind: 'run', id: 'none' })).toBe(text);
    for (const text of ['', 'nothing', 'unknown:1', 'run:', 'run: ']) expect(readNode(text)).toBeUndefined();
  });
  it('has a label that fits into a drawing', () => expect(plainLabel({ kind: 'source', id: 'x'.repeat(500) })).toHaveLength(120));
});
