import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { responseSchemas, type ResponseSchemas } from './response-schemas.ts';

const SOURCE = `
interface Named { readonly id: string; readonly size?: number; readonly parent: Named | null; readonly [key: symbol]: string }
type Json = string | number | null | Json[] | { [key: string]: Json };
type Page<T> = { items: readonly T[]; next?: string };
export class Things {
  one(): Promise<Named> { throw 0; }
  async page() { return {} as Page<Named>; }
  inferred() { return { ...{ a: 1 as const, kind: 'x' as 'x' | 'y', when: new Date(), raw: Buffer.alloc(0), gone: undefined as string | undefined }, done: true }; }
  both() { return {} as { a: string } & { b: Record<string, number> }; }
  either() { return {} as { text: string } | { count: number } | undefined; }
  json(): Json { throw 0; }
  with(): { act(): void; many: [string, number]; known: boolean | null } { throw 0; }
  nothing(): Promise<void> { throw 0; }
}
`;

let directory: string;
let schemas: ResponseSchemas;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-schemas-'));
  const file = join(directory, 'things.controller.ts');
  await writeFile(file, SOURCE);
  const options: ts.CompilerOptions = { strict: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: ['node'], typeRoots: [join(process.cwd(), 'node_modules/@types')], noEmit: true };
  schemas = responseSchemas(ts.createProgram([file], options), [file]);
});
afterAll(() => rm(directory, { recursive: true }));
const of = (method: string): unknown => schemas.of('Things', method);

describe('what a method answers, as a JSON schema', () => {
  const named = { $ref: '#/components/schemas/Named' };
  const text = { type: 'string' };

  it('refers to types that have a name, also to themselves', () => {
    expect(of('one')).toEqual(named);
    expect(schemas.named['Named']).toEqual({ type: 'object', properties: { id: text, size: { type: 'number' }, parent: { allOf: [named], nullable: true } }, required: ['id', 'parent'] });
    expect(of('page')).toEqual({ type: 'object', properties: { items: { type: 'array', items: named }, next: text }, required: ['items'] });
  });

  it('writes out what was inferred, without what JSON leaves out', () => {
    expect(of('inferred')).toEqual({
      type: 'object',
      properties: { a: { type: 'number', enum: [1] }, kind: { type: 'string', enum: ['x', 'y'] }, when: { type: 'string', format: 'date-time' }, raw: { type: 'string', format: 'binary' }, gone: text, done: { type: 'boolean' } },
      required: ['a', 'done', 'kind', 'raw', 'when'],
    });
    expect(of('with')).toEqual({ type: 'object', properties: { many: { type: 'array', items: { anyOf: [text, { type: 'number' }] } }, known: { type: 'boolean', nullable: true } }, required: ['known', 'many'] });
    expect(of('both')).toEqual({ type: 'object', properties: { a: text, b: { type: 'object', additionalProperties: { type: 'number' } } }, required: ['a', 'b'] });
    expect(of('either')).toEqual({ anyOf: [{ type: 'object', properties: { count: { type: 'number' } }, required: ['count'] }, { type: 'object', properties: { text }, required: ['text'] }] });
  });

  it('ends where a type holds itself, and says nothing of nothing', () => {
    expect(of('json')).toEqual({ anyOf: [{ type: 'array', items: {} }, { type: 'number' }, { type: 'object', additionalProperties: {} }, text], nullable: true });
    expect([of('nothing'), of('missing'), schemas.of('Nobody', 'one')]).toEqual([undefined, undefined, undefined]);
  });
});
