import { describe, expect, it } from '@jest/globals';
import type { LineageNode } from '@vitae/client';
import { lineageTree } from './lineage-tree.ts';

const node = (name: string, state?: string): LineageNode => ({ node: name, kind: name.split(':')[0] ?? '', id: name.split(':')[1] ?? '', label: `the ${name.split(':')[1]}`, distance: 0, since: '', eventId: '', ...(state === undefined ? {} : { state }) });
const edge = (from: string, to: string, relation: string) => ({ from, to, relation, since: '', eventId: '' });
const drawing = { direction: 'up', paint: (text: string) => `[${text}]` } as const;

describe('a graph as a tree', () => {
  it('writes out once what is reached twice', () => {
    const nodes = [node('version:1', 'registered'), node('dataset:a'), node('run:r'), node('source:s')];
    const edges = [edge('dataset:a', 'version:1', 'trained'), edge('run:r', 'version:1', 'made'), edge('dataset:a', 'run:r', 'read by'), edge('source:s', 'dataset:a', 'filled')];
    expect(lineageTree({ node: 'version:1', nodes, edges }, drawing)).toEqual([
      'version the 1 (registered)',
      '├─ dataset the a  [trained]',
      '│  └─ source the s  [filled]',
      '└─ run the r  [made]',
      '   └─ dataset the a  [read by]  [see above]',
    ]);
    expect(lineageTree({ node: 'source:s', nodes, edges }, { ...drawing, direction: 'down' })[1]).toBe('└─ dataset the a  [filled]');
  });

  it('ends in a circle, and keeps what it cannot reach', () => {
    const nodes = [node('job:a'), node('job:b'), node('job:far')];
    expect(lineageTree({ node: 'job:a', nodes, edges: [edge('job:b', 'job:a', 'fed'), edge('job:a', 'job:b', 'fed')] }, drawing)).toEqual([
      'job the a',
      '└─ job the b  [fed]',
      '   └─ job the a  [fed]  [see above]',
      'job the far  [by a way that is not shown]',
    ]);
  });
});
