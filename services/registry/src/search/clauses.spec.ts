import { describe, expect, it } from '@jest/globals';
import { clausesSql } from './clause-condition.ts';
import { parseClauses, parseSort, type ClauseWords } from './clauses.ts';
import { parameters } from './condition.ts';

const words: ClauseWords = {
  entities: ['metric', 'param', 'tag', 'attribute', 'dataset'],
  attributes: { run_id: { name: 'run_id', is: 'text' }, 'Run name': { name: 'run_name', is: 'text' }, start_time: { name: 'start_time', is: 'number' } },
  lists: ['run_id'],
};
const read = (source: string) => parseClauses(source, words);

describe('A search of runs', () => {
  it('is comparisons joined by AND', () => {
    expect(read('')).toEqual([]);
    expect(read('metrics.auc >= -1.5e-3 aNd params."max ""depth" = \'it\'\'s\' AND tags.mlflow.source.type LIKE "J%"')).toEqual([
      { entity: 'metric', key: 'auc', operator: '>=', values: [-0.0015] },
      { entity: 'param', key: 'max "depth', operator: '=', values: ["it's"] },
      { entity: 'tag', key: 'mlflow.source.type', operator: 'LIKE', values: ['J%'] },
    ]);
    expect(read("attr.run_id not in ('a', 'b',) AND `Run name` = 'x' AND run.start_time < 5 AND dataset.context IN ('eval') AND param.p is not null")).toEqual([
      { entity: 'attribute', key: 'run_id', operator: 'NOT IN', values: ['a', 'b'] },
      { entity: 'attribute', key: 'run_name', operator: '=', values: ['x'] },
      { entity: 'attribute', key: 'start_time', operator: '<', values: [5] },
      { entity: 'dataset', key: 'context', operator: 'IN', values: ['eval'] },
      { entity: 'param', key: 'p', operator: 'IS NOT NULL', values: [] },
    ]);
  });

  it.each([
    ['metrics.auc = "x"', 15], ["params.a < '1'", 1], ["tags.a = 'x' OR tags.b = 'y'", 14], ['tags.a', 7], ["tags.a = 'x", 10], ["secret = 'x'", 1], ["run_id IN ('a'", 15], ['metrics.a IS NULL', 1], ["tags. = 'x'", 7], ["tags.a = 'x' AND", 17], ["tags.a = 'x'; --", 13],
  ])('says of %j where it breaks', (source, at) => {
    expect(() => read(source)).toThrow(expect.objectContaining({ reason: 'FILTER_MALFORMED', message: expect.stringContaining(`character ${at}:`) }));
  });

  it('puts nothing that was said into the SQL', () => {
    const parameter = parameters('first');
    const evil = "x'); drop table run; --";
    const sql = clausesSql(
      read(`metrics."${evil.replaceAll("'", '’')}" > 1 AND params.\`${evil}\` = 'a' AND tags.\`${evil}\` != '${evil.replaceAll("'", "''")}'`),
      { attribute: () => 'a', tags: 't', params: 'p', metric: (key, is) => `m(${key}, ${is('v')})` },
      parameter,
    );
    expect(sql).not.toContain('drop');
    expect(parameter.values).toContain(evil);
  });

  it('is sorted by a key, upwards unless told', () => {
    expect(parseSort('metrics.`my auc` DESC', words)).toEqual({ entity: 'metric', key: 'my auc', numeric: true, direction: 'desc' });
    expect(parseSort('start_time', words)).toEqual({ entity: 'attribute', key: 'start_time', numeric: true, direction: 'asc' });
    expect(parseSort('tag.asc asc', words)).toEqual({ entity: 'tag', key: 'asc', numeric: false, direction: 'asc' });
    for (const wrong of ['', 'nonsense', 'dataset.name', "tags.a = 'x' AND tags.b", 'metrics.auc UP', 'metrics.auc DESC DESC']) expect(() => parseSort(wrong, words)).toThrow(expect.objectContaining({ reason: 'ORDER_MALFORMED' }));
  });
});
