import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { bare, content, known } from '../exports/known-version.fixture.ts';
import { EMPTY } from './card-content.ts';
import { fromHuggingFace, toHuggingFace } from './hugging-face.ts';

const front = (card: string) => parse(card.split('---\n')[1] ?? '') as Record<string, unknown>;
const card = (yaml: string, body = '') => `---\n${yaml}\n---\n${body}`;
const refused = (text: string): string => {
  try {
    fromHuggingFace(text);
  } catch (error) {
    expect(error).toMatchObject({ reason: 'CARD_UNREADABLE', status: 422 });
    return (error as Error).message;
  }
  throw new Error('it was read');
};

describe('A card for Hugging Face', () => {
  it('has front matter for machines', () => {
    expect(front(toHuggingFace(known, content))).toEqual({
      widget: [{ text: 'a' }],
      license: 'apache-2.0',
      library_name: 'onnx',
      language: ['en'],
      tags: ['credit', 'tabular'],
      base_model: ['bank/base'],
      datasets: ['german credit: 1994'],
      metrics: ['auc', 'f1'],
      'model-index': [
        {
          name: 'credit-risk',
          results: [
            {
              task: { type: 'binary-classification' },
              dataset: { type: 'german credit: 1994', name: 'german credit: 1994 version 3', split: 'test', revision: known.dataset.digest },
              metrics: [{ type: 'auc', value: 0.71 }, { type: 'f1', value: 0.5 }, { type: 'tpr', value: 0.4, name: 'tpr (sex = female)' }],
            },
            { task: { type: 'binary-classification' }, dataset: { type: 'recent', name: 'recent version 1', revision: `sha256:${'c'.repeat(64)}` }, metrics: [{ type: 'auc', value: 0.69 }] },
          ],
        },
      ],
    });
  });

  it('names a licence that is on no list', () => {
    expect(front(toHuggingFace(bare, { ...EMPTY, licence: 'ask the bank' }))).toEqual({ license: 'other', license_name: 'ask the bank', datasets: ['german credit: 1994'] });
  });

  it('shows what was measured in place of what an imported card told', () => {
    const told = { ...content, extra: [{ key: 'model-index', json: '[{"name":"theirs"}]' }] };
    expect(front(toHuggingFace(known, told))['model-index']).toMatchObject([{ name: 'credit-risk' }]);
    expect(front(toHuggingFace(bare, told))['model-index']).toEqual([{ name: 'theirs' }]);
  });

  it('shows what others named without letting it be Markdown', () => {
    const hostile = { ...known, source: { ...known.source, repository: 'x|y\n# z <script>' } };
    expect(toHuggingFace(hostile, EMPTY)).toContain('- Code: x\\|y # z \\<script\\> at commit');
  });

  it('is read back as what it was', () => {
    expect(fromHuggingFace(toHuggingFace(bare, content))).toEqual({ ...content, licence: 'apache-2.0', extra: [...content.extra, { key: 'datasets', json: '["german credit: 1994"]' }] });
  });
});

describe('A card of Hugging Face that is read', () => {
  it('may have no front matter, or nothing else', () => {
    expect(fromHuggingFace('just words')).toEqual({ ...EMPTY, notes: 'just words' });
    expect(fromHuggingFace('---\nlicense: mit\n---')).toEqual({ ...EMPTY, licence: 'mit' });
    expect(fromHuggingFace('---\n---\n')).toEqual(EMPTY);
  });

  it('goes section by section, and what has no section of ours is a note', () => {
    const read = fromHuggingFace(card('tags: x', '# Name\n\nhello\n\n## Uses\n\n### Direct Use\n\nloans\n\n### Out-of-Scope Use\n\nelse\n\n## Bias, Risks, and Limitations\n\nsmall\n\n#### More\n\nof it\n\n## How to cite\n\n```\n## Limitations\n```\n'));
    expect(read).toEqual({ ...EMPTY, tags: ['x'], intendedUse: 'loans', outOfScopeUse: 'else', limitations: 'small\n\n#### More\n\nof it', notes: 'hello\n\n## Uses\n\n## How to cite\n\n```\n## Limitations\n```' });
  });

  it('may say a thing once or as a list, and a licence by its name', () => {
    expect(fromHuggingFace(card('language: no\nbase_model: [a/b, c/d]\nlicense: other\nlicense_name: ours\nlicense_link: LICENSE'))).toMatchObject({
      languages: ['no'],
      baseModels: ['a/b', 'c/d'],
      licence: 'ours',
      extra: [{ key: 'license_link', json: '"LICENSE"' }],
    });
  });

  it('keeps keys that nobody here knows, harmless as they are', () => {
    const { extra } = fromHuggingFace(card('__proto__: {polluted: true}\nconstructor: 1\nco2_eq_emissions:\n  emissions: 1.5\nnothing:'));
    expect(extra).toEqual([{ key: '__proto__', json: '{"polluted":true}' }, { key: 'constructor', json: '1' }, { key: 'co2_eq_emissions', json: '{"emissions":1.5}' }, { key: 'nothing', json: 'null' }]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(front(toHuggingFace(bare, { ...EMPTY, extra }))).toMatchObject({ constructor: 1, co2_eq_emissions: { emissions: 1.5 } });
  });

  it.each([
    ['a bomb of aliases', 'a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\ntags: [*c]'],
    ['one alias', 'a: &a x\nb: *a'],
    ['a tag of its own', 'a: !!js/function "function () {}"'],
    ['a key twice', 'license: mit\nlicense: apache-2.0'],
    ['no keys', '- a\n- b'],
    ['what is no YAML', 'a: [1, 2'],
    ['what never ends to nest', `a: ${'['.repeat(16_000)}`],
    ['a licence that is a number', 'license: 1'],
    ['tags that are no words', 'tags: [{a: 1}]'],
    ['languages by key', 'language: {en: yes}'],
    ['more than is read', `a: ${'x'.repeat(40_000)}`],
    ['a value that is too large', `a: ${'x'.repeat(9_000)}`],
    ['too many keys', Array.from({ length: 40 }, (_, i) => `k${i}: 1`).join('\n')],
    ['too many tags', `tags: [${Array.from({ length: 65 }, (_, i) => `t${i}`).join(', ')}]`],
    ['a null character', 'library_name: "a\\0b"'],
  ])('is refused with %s, in words', (_, yaml) => expect(refused(card(yaml))).toMatch(/^What was sent cannot be read as a Hugging Face card: \S/));

  it('is refused with a section that is too long', () => expect(refused(card('', `## Users\n\n${'x'.repeat(17_000)}`))).toContain('users: At most 16384 bytes.'));

  it('is read in no time, whatever it is', () => {
    const began = process.cpuUsage();
    for (const text of ['---\n'.repeat(90_000), `---\n${'a1:\n'.repeat(8_000)}---\n`, '#'.repeat(390_000), '\n'.repeat(390_000), `${'`'.repeat(390_000)}`, `---\n${' '.repeat(390_000)}`]) {
      try {
        fromHuggingFace(text);
      } catch (error) {
        expect(error).toMatchObject({ reason: 'CARD_UNREADABLE' });
      }
    }
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(5);
  });
});
