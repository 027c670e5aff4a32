import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

// No statement is made of what a caller sent: values go as parameters ($1). What a template puts into SQL all the same stands in the
// list below, with what it is. A new one fails here, and whoever adds it says why nobody outside has a hand in it.

const root = fileURLToPath(new URL('../../', import.meta.url));
const SQL = /\b(select|insert into|update \w|delete from|where|order by|create (table|schema|role)|from [a-z_]+\.|set_config|alter |grant |copy |with \w+ as|on conflict|exists \()/;
/** A constant, and what makes a placeholder, a quoted name or a quoted text. */
const SAFE = /^[A-Z][A-Z_0-9]*(\.[a-z]+)?$|^(\$|parameter|isoSql|identifier|literal|quoted)\(/;

const ALLOWED: Readonly<Record<string, { readonly why: string; readonly of: readonly string[] }>> = {
  'libs/webhooks/src/queue.ts': { why: 'the tables of the service that uses it', of: ['webhook', 'delivery'] },
  'libs/testing/src/fresh-database.ts': { why: 'names that the library made', of: ['draft', 'name'] },
  'libs/service-kit/src/rebuild/compare-tables.ts': { why: 'schemas and tables of the service, quoted', of: ['these', 'others'] },
  'libs/service-kit/src/rebuild/green-schema.ts': { why: 'schemas and tables of the service, quoted', of: ['green', 'blue', 'aside', 'replaced', 'holder', 'table', 'definition'] },
  'libs/service-kit/src/rebuild/rebuild-views.ts': { why: 'one of two texts', of: ["locked ? 'for update' : ''"] },
  'libs/service-kit/src/access/service-token.client.ts': { why: 'no SQL: a sentence for people', of: ['issuer', 'id', 'reasonOf(cause)'] },
  'libs/event-store/src/migrate.ts': { why: 'names of schemas, escaped', of: ['client.escapeIdentifier(schema)', 'name', 'client.escapeIdentifier(owner)', 'own'] },
  'libs/event-store/src/replay-statements.ts': { why: 'numbers: COPY takes no parameters', of: ['BigInt(to - 1)', 'BigInt(from - 1)', 'BigInt(from)', 'BigInt(to)', 'spansOf(seqs)'] },
  'libs/cli/src/session/session-file.ts': { why: 'no SQL: a sentence for people', of: ['path', 'error.code'] },
  'libs/cli/src/fsck/table-checks.ts': { why: 'tables of the ledger, from a list', of: ['table', "of('event')", "of('entry')", "of('tile')", "of('checkpoint')", 'newest', 'one', 'other'] },
  'services/runtime/src/model-server/open-inference.ts': { why: 'no SQL: a sentence for people', of: ['name', "shape.join(', ')", "spec.shape.join(', ')"] },
  'services/registry/src/search/keyset.view.ts': { why: 'fragments with their values in parameters', of: ['select', 'place', 'from', 'where', 'behind', 'sorted'] },
  'services/registry/src/run/runs.view.ts': { why: 'fragments of a closed list, values in parameters', of: ['set && `, ${set}`', "pointSql('m')", 'key', "is('m.value')", "is(DATASET[what] ?? '')"] },
  'services/registry/src/revised/revised.view.ts': { why: 'one of three kinds', of: ['kind', 'shown(kind)'] },
  'services/registry/src/revised/revision.ts': { why: 'no SQL: a sentence for people', of: ['what', 'found'] },
  'services/registry/src/openlineage/told.view.ts': { why: 'one of a few lists of columns', of: ['what'] },
  'services/registry/src/model-version/shown-version.view.ts': { why: 'a condition with its value in a parameter', of: ["is('a.alias')"] },
  'services/registry/src/model-version/traffic.view.ts': { why: 'one of two columns', of: ['column'] },
  'services/registry/src/model-version/version-bytes.view.ts': { why: 'one of two functions', of: ['lock'] },
  'services/registry/src/model-version/version-rows.view.ts': { why: 'columns that the code names', of: ['set', 'columns'] },
  'services/registry/src/model-version/versions.view.ts': { why: 'fragments of a closed list, values in parameters', of: ['SEARCHABLE.deleted[deleted]', 'SEARCHABLE.deleted.hide', 'place', 'where', 'sorted'] },
  'services/registry/src/model/models.view.ts': { why: 'fragments of a closed list, values in parameters', of: ['set && `, ${set}`', 'kept', 'gone', "is('a.alias')", 'SEARCHABLE.deleted[deleted]', 'SEARCHABLE.deleted.hide', 'shown', 'place', 'where', 'sorted'] },
  'services/registry/src/mlflow-webhook/mlflow-webhooks.view.ts': { why: 'columns that the code names', of: ['set'] },
  'services/registry/src/logged-model/logged-models.view.ts': { why: 'fragments of a closed list, values in parameters', of: ['set && `, ${set}`', 'ofModel', 'onData(wish.dataset ? [wish.dataset] : [], parameter)', 'key', 'onData(datasets, parameter)', "is('o.value')"] },
  'services/registry/src/lineage/lineage-graph.view.ts': { why: 'one of two directions', of: ['there', 'here', 'condition', "HELD('n')", "HELD('e')"] },
  'services/registry/src/lineage/lineage-link.handler.ts': { why: 'a table of a closed list', of: ['table'] },
  'services/registry/src/lineage/lineage-link.ts': { why: 'no SQL: a sentence for people', of: ['id', "type.slice(type.lastIndexOf('.') + 1)"] },
  'services/registry/src/lineage/lineage.view.ts': { why: 'a table of a closed list', of: ['table', 'which'] },
  'services/registry/src/experiment/experiments.view.ts': { why: 'columns that the code names', of: ['set'] },
  'services/registry/src/evaluation-suite/evaluation-suite.ts': { why: 'no SQL: a sentence for people', of: ['name', "have.join(', ')"] },
  'services/registry/src/dataset-version/ancestry.view.ts': { why: 'a fragment of this file', of: ['made'] },
  'services/registry/src/dataset-version/dataset-file.store.ts': { why: 'DuckDB: names and texts quoted, columns by place', of: ["columns.map(identifier).join(', ')", 'source(file, types)', 'selected', 'where'] },
  'services/registry/src/dataset-version/dataset-versions.view.ts': { why: 'fragments of a closed list', of: ['set', "state ? STATE_SQL[state] : 'true'", "retention === 'expired' ? `retention_until <> '' and retention_until < $4 and erasure is null` : '$4"] },
  'services/registry/src/dataset-version/file-source.store.ts': { why: 'DuckDB: names and texts quoted', of: ["source(file, new Map(names.map((name) => [name, 'VARCHAR'])))", "names.map(literal).join(', ')", 'source(file, new Map())', "names.flatMap(kindsOf).join(', ')", 'whole'] },
  'services/registry/src/dataset-version/profile.store.ts': { why: 'DuckDB: a quoted name', of: ['column', '4 * SAMPLED_VALUES'] },
  'services/registry/src/dataset/datasets.view.ts': { why: 'columns that the code names', of: ['set'] },
  'services/registry/src/dataset/expectation.ts': { why: 'DuckDB: quoted names and literals', of: ["names.map((name) => `${name} is null`).join(' or ')", "names.map((name) => `${name} is not null`).join(' and ')", "names.join(', ')", 'column', 'fails', 'aggregate'] },
  'services/registry/src/artefact/upload-session.ts': { why: 'no SQL: a sentence for people', of: ['id'] },
  'services/registry/src/ai-system/ai-systems.view.ts': { why: 'a fragment of this file', of: ['pins'] },
  'services/registry/src/ai-system/components.view.ts': { why: 'one of a few kinds', of: ['unwatched', 'kind'] },
  'services/registry/src/ai-system/pins.view.ts': { why: 'one of two columns', of: ['column'] },
  'services/monitoring/src/baseline/columns.client.ts': { why: 'DuckDB: quoted names and literals', of: ['source(path, dataset)', 'rows', 'expression'] },
  'services/ledger/src/webhook/webhooks.view.ts': { why: 'columns that the code names', of: ['assignments'] },
  'services/ledger/src/transparency/log-tables.store.ts': { why: 'a list of parameters', of: ['wanted'] },
  'services/ledger/src/log-key/log-key-files.store.ts': { why: 'no SQL: a sentence for people', of: ['this.#path'] },
  'services/ledger/src/history/event-search.view.ts': { why: 'fragments with their values in parameters, and numbers', of: ['block', 'holds', 'order', 'limit', 'alsoIn(facets, `s.index / ${BLOCK}`)', 'low', 'high', 'BLOCK - 1', "alsoIn(others, 'b.block')"] },
  'services/ledger/src/evidence/readme.ts': { why: 'no SQL: a sentence for people', of: ['origin'] },
  'services/governance/src/person/people.view.ts': { why: 'one of two columns', of: ['by'] },
  'services/governance/src/lifecycle/registry.view.ts': { why: 'columns that the code names', of: ['set'] },
  'services/deployment/src/endpoint/endpoint.ts': { why: 'no SQL: a sentence for people', of: ['state.environment'] },
};

function interpolated(file: string): string[] {
  const text = readFileSync(`${root}${file}`, 'utf8');
  if (!text.includes('${') || !SQL.test(text)) return [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isTemplateExpression(node) && SQL.test([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(' '))) {
      found.push(...node.templateSpans.map(({ expression }) => expression.getText(source).replace(/\s+/g, ' ').slice(0, 100)));
    }
    ts.forEachChild(node, look);
  };
  look(source);
  return [...new Set(found)].filter((expression) => !SAFE.test(expression));
}

describe('the text of a statement', () => {
  const files = globSync('{services,libs}/*/src/**/*.ts', { cwd: root }).filter((file) => !/\.(spec|fixture)\.ts$|\/gen\//.test(file));

  it('has nothing in it that came with a request', () => {
    expect(files.length).toBeGreaterThan(300);
    const all = files.map((file) => [file, interpolated(file)] as const).filter(([, expressions]) => expressions.length > 0);
    expect(all.flatMap(([file, expressions]) => expressions.filter((one) => !ALLOWED[file]?.of.includes(one)).map((one) => `${file}: ${one}`))).toEqual([]);
    const gone = Object.entries(ALLOWED).flatMap(([file, { of }]) => of.filter((one) => !all.some(([name, expressions]) => name === file && expressions.includes(one))).map((one) => `${file}: ${one}`));
    expect(gone).toEqual([]); // the list says no more than there is
  });

  it('is never a sum of texts', () => {
    const summed = files.flatMap((file) => [...readFileSync(`${root}${file}`, 'utf8').matchAll(/'(?:select|insert into|update|delete from) [^'\n]*'\s*\+/g)].map(([text]) => `${file}: ${text}`));
    expect(summed).toEqual([]);
  });
});
