import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { GuardrailDeprecatedSchema, GuardrailDraftedSchema, GuardrailPublishedSchema, GuardrailRetiredSchema, ToolDraftedSchema, ToolPublishedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { guardrail, type GuardrailContent } from '../guardrail/guardrail.ts';
import { mcpServer, toolOfServer } from '../tool/mcp-server.ts';
import { tool, type ToolContent } from '../tool/tool.ts';

const given = specification(guardrail);
const id = '01890000-0000-7000-8000-000000000001';
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

const content: GuardrailContent = { kind: 'input', engine: 'presidio', configuration: { language: 'de', entities: ['IBAN'] }, categories: ['pii'], thresholds: [{ name: 'score', value: 0.6 }], action: 'redact', failureMode: 'closed', description: '' };
const message = { ...content, configuration: '{"entities":["IBAN"],"language":"de"}', categories: ['pii'], thresholds: [{ name: 'score', value: 0.6 }] };
const of = (revision: number) => ({ guardrailId: id, name: 'pii in', revision });
const drafted = (revision: number, letter = 'a') => create(GuardrailDraftedSchema, { ...of(revision), content: message, digest: digest(letter) });
const published = (revision: number, letter = 'a') => create(GuardrailPublishedSchema, { ...of(revision), content: message, digest: digest(letter) });
const deprecated = create(GuardrailDeprecatedSchema, { ...of(1), reason: 'Slow.' });
const retired = create(GuardrailRetiredSchema, { ...of(1), reason: 'Gone.' });
const redraft = (letter: string) => ({ type: 'Redraft', content, digest: digest(letter) }) as const;

describe('A guardrail', () => {
  it('is drafted once', () => {
    const draft = { type: 'Draft', id, name: 'pii in', content, digest: digest('a') } as const;
    given([]).when(draft).then([drafted(1)]);
    given([drafted(1)]).when(draft).then([]);
  });
  it('is written anew while it is a draft, and then in its next revision', () => {
    given([drafted(1)]).when(redraft('b')).then([drafted(1, 'b')]);
    given([drafted(1)]).when(redraft('a')).then([]);
    given([drafted(1), published(1)]).when(redraft('b')).then([drafted(2, 'b')]);
    given([]).when(redraft('a')).thenRefused('GUARDRAIL_NOT_FOUND');
  });
  it('is published as it was drafted last, once', () => {
    given([drafted(1), drafted(1, 'b')]).when({ type: 'Publish' }).then([published(1, 'b')]);
    given([drafted(1), published(1)]).when({ type: 'Publish' }).then([]);
    given([drafted(1), published(1), deprecated]).when({ type: 'Publish' }).thenRefused('GUARDRAIL_NOTHING_DRAFTED');
    given([]).when({ type: 'Publish' }).thenRefused('GUARDRAIL_NOT_FOUND');
  });
  it('is deprecated and retired revision by revision, never back', () => {
    const deprecate = { type: 'Deprecate', number: 1, reason: 'Slow.' } as const;
    const retire = { type: 'Retire', number: 1, reason: 'Gone.' } as const;
    given([drafted(1), published(1)]).when(deprecate).then([deprecated]);
    given([drafted(1), published(1), deprecated]).when(deprecate).then([]);
    given([drafted(1), published(1), deprecated]).when(retire).then([retired]);
    given([drafted(1), published(1)]).when(retire).then([retired]);
    given([drafted(1), published(1), retired]).when(retire).then([]);
    given([drafted(1), published(1), retired]).when(deprecate).thenRefused('GUARDRAIL_REVISION_STATE');
    given([drafted(1)]).when(retire).thenRefused('GUARDRAIL_REVISION_STATE');
    given([drafted(1), published(1)]).when({ ...retire, number: 2 }).thenRefused('GUARDRAIL_REVISION_NOT_FOUND');
    given([drafted(1), published(1), drafted(2, 'b'), published(2, 'b')]).when(retire).then([retired]);
  });
  it('holds no secret', () => {
    given([]).when({ type: 'Draft', id, name: 'pii in', content: { ...content, configuration: { key: 'AKIAIOSFODNN7EXAMPLE' } }, digest: digest('a') }).thenRefused('GUARDRAIL_HOLDS_SECRET');
  });
});

describe('A tool', () => {
  const server = { name: 'io.example/loans', description: 'Loans.', version: '1.2.0', remotes: [{ type: 'sse', url: 'https://mcp.example.org/loans' }], websiteUrl: 'https://example.org' };
  const said = { effect: 'write', permissions: ['loans:write'], approvalRequired: true, owner: 'team-loans' } as const;

  it('is kept with its schemas as JSON', () => {
    const inputSchema = { type: 'object', properties: { id: { type: 'string' } } };
    const loan: ToolContent = { ...said, kind: 'function', label: '', description: 'Looks up.', inputSchema, outputSchema: null, endpoint: '', serverJson: null };
    const written = { ...loan, permissions: ['loans:write'], inputSchema: '{"properties":{"id":{"type":"string"}},"type":"object"}', outputSchema: '', serverJson: '' };
    const toolDrafted = create(ToolDraftedSchema, { toolId: id, name: 'loans', revision: 1, content: written, digest: digest('a') });
    specification(tool)([]).when({ type: 'Draft', id, name: 'loans', content: loan, digest: digest('a') }).then([toolDrafted]);
    specification(tool)([toolDrafted]).when({ type: 'Publish' }).then([create(ToolPublishedSchema, { toolId: id, name: 'loans', revision: 1, content: written, digest: digest('a') })]);
  });
  it('is read from a server.json, all of which is kept', () => {
    expect(toolOfServer(mcpServer.parse(server), said)).toEqual({ name: 'io.example/loans', content: { ...said, kind: 'mcp-server', label: '1.2.0', description: 'Loans.', inputSchema: null, outputSchema: null, endpoint: 'https://mcp.example.org/loans', serverJson: server } });
    const { remotes: _, ...local } = server;
    expect(toolOfServer(mcpServer.parse({ ...local, packages: [{ registryType: 'npm', identifier: '@example/loans' }] }), said).content.endpoint).toBe('@example/loans');
  });
});
