import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DatasetVersion } from '../lifecycle/dataset-versions.view.ts';
import { readColumns } from './columns.client.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-columns-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const dataset = (mediaType: string): DatasetVersion => ({
  id: '01890000-0000-7000-8000-000000000001', projectId: 'credit', digest: '', mediaType, labelColumn: 'bad', splitColumn: 'split', splits: ['test', 'train'],
  columns: [{ name: 'age', kind: 'numeric' }, { name: 'zip', kind: 'categorical' }, { name: 'own', kind: 'categorical' }, { name: 'bad', kind: 'numeric' }, { name: 'split', kind: 'categorical' }],
} as unknown as DatasetVersion);

describe('The columns that a baseline is fitted to', () => {
  it.each([
    ['text/csv', 'age,zip,own,bad,split\n19,01234,true,1,train\n,1.0,false,0,train\n74.5,x,true,0,test\n'],
    ['application/jsonl', '{"age":19,"zip":"01234","own":true,"bad":1,"split":"train"}\n\n{"zip":"1.0","own":false,"bad":0,"split":"train"}\n{"age":74.5,"zip":"x","own":true,"bad":0,"split":"test"}\n'],
  ])('are the same out of %s', async (mediaType, text) => {
    const path = join(directory, mediaType.replace('/', '-'));
    await writeFile(path, text);
    expect(await readColumns(path, dataset(mediaType), 'train')).toEqual({
      rowCount: 2,
      columns: [
        { name: 'age', kind: 'numeric', values: [19, null] },
        { name: 'zip', kind: 'categorical', values: ['01234', '1.0'] },
        { name: 'own', kind: 'categorical', values: ['true', 'false'] },
      ],
    });
  });
});
