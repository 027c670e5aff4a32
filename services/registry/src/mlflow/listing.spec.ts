import { describe, expect, it } from '@jest/globals';
import { listed } from './listing.ts';

const files = ['MLmodel', 'data/model.onnx', 'data/weights/a.bin', 'data/weights/b.bin', 'database.json'].map((path) => ({ path, sizeBytes: path.length }));

describe('The listing of a directory', () => {
  it('names what lies directly in it, each directory once', () => {
    expect(listed(files, '')).toEqual([
      { path: 'MLmodel', is_dir: false, file_size: 7 },
      { path: 'data', is_dir: true },
      { path: 'database.json', is_dir: false, file_size: 13 },
    ]);
    expect(listed(files, 'data/')).toEqual([{ path: 'model.onnx', is_dir: false, file_size: 15 }, { path: 'weights', is_dir: true }]);
  });
  it('has nothing for a file, or for what is not there', () => {
    expect(listed(files, 'MLmodel')).toEqual([]);
    expect(listed(files, 'dat')).toEqual([]);
  });
});
