import { describe, expect, it } from '@jest/globals';
import type { PinnedComponent } from '../ai-system/composition.ts';
import { faults } from './cyclonedx-schema.fixture.ts';
import { cycloneDxSystem, type KnownPart, type KnownSystem } from './cyclonedx-system.ts';
import { issue } from './known-version.fixture.ts';

const id = (n: number): string => `01890000-0000-7000-8000-00000000000${n}`;
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const pin = (kind: PinnedComponent['kind'], n: number, role: string, revision = 0): PinnedComponent => ({ kind, role, id: id(n), revision, name: `the ${kind}`, version: revision || 2, digest: digest('a') });

const parts: readonly KnownPart[] = [
  {
    component: { ...pin('model-version', 1, 'main'), digest: '' },
    model: {
      task: 'text-generation',
      external: { provider: 'huggingface', providerModelId: 'acme/base-7b', snapshot: '', access: 'weights', weights: { location: 'https://huggingface.co/acme/base-7b', revision: '0fd2a1b', digest: '' }, licence: 'apache-2.0', terms: 'https://example.org/terms', contextWindow: 32_768, inputModalities: ['text'], outputModalities: ['text'], regions: ['eu-central-1'] },
      derivedFrom: [{ modelVersionId: id(9), modelId: id(8), modelName: 'base', version: 1, relation: 'adapter', method: 'lora', rank: 16, alpha: 32, targetModules: ['q_proj'], bits: 0, weight: 0 }],
    },
  },
  { component: pin('model-version', 1, 'judge'), model: { task: '', external: null, derivedFrom: [] } },
  { component: pin('prompt-version', 2, 'system'), prompt: { type: 'text', variables: ['question'], modelConfig: { temperature: 0.2 } } },
  { component: pin('guardrail', 3, '', 1), guardrail: { kind: 'input', engine: 'presidio', configuration: {}, categories: ['pii'], thresholds: [], action: 'redact', failureMode: 'closed', description: '' } },
  { component: pin('tool', 4, '', 3), tool: { kind: 'mcp-server', label: '1.2.0', description: 'Loans.', inputSchema: null, outputSchema: null, effect: 'irreversible', permissions: ['loans:write'], approvalRequired: true, endpoint: 'https://mcp.example.org', owner: 'team-loans', serverJson: null } },
  { component: pin('dataset-version', 5, 'index') },
  { component: pin('evaluation-suite', 6, '', 1) },
];
const system: KnownSystem = { id: id(7), projectId: 'credit', aiSystemName: 'assistant', version: 4, state: 'composed', parameters: { temperature: 0.2 }, digest: digest('c'), description: '', useCaseId: id(9), contributors: ['dana'] };
const bare = parts.map(({ component }) => ({ component }));

describe('An AI system as CycloneDX', () => {
  it.each(['1.6', '1.7'] as const)('holds against the schema of %s, with much known of its parts and with nothing', (version) => {
    expect(faults(version, cycloneDxSystem(system, parts, version, issue))).toBeNull();
    expect(faults(version, cycloneDxSystem(system, bare, version, issue))).toBeNull();
  });
  it('is an application that depends on every part, each once', () => {
    const bom = cycloneDxSystem(system, parts, '1.7', issue) as { components: { 'bom-ref': string }[]; dependencies: { dependsOn: string[] }[] };
    expect(bom).toMatchObject({ metadata: { component: { type: 'application', name: 'assistant', version: '4' } } });
    expect(bom.components.map((one) => one['bom-ref'])).toEqual(bom.dependencies[0]?.dependsOn);
    expect(new Set(bom.components.map((one) => one['bom-ref'])).size).toBe(parts.length);
    expect(bom.components).toMatchObject([
      { type: 'machine-learning-model', supplier: { name: 'huggingface' }, licenses: [{ expression: 'Apache-2.0' }], pedigree: { ancestors: [{ name: 'base' }], notes: 'adapter (lora) of base 1' } },
      { type: 'machine-learning-model', hashes: [{ content: 'a'.repeat(64) }] },
      { type: 'data', data: [{ type: 'configuration' }], properties: expect.arrayContaining([{ name: 'vitae:variables', value: 'question' }]) },
      { type: 'data', properties: expect.arrayContaining([{ name: 'vitae:engine', value: 'presidio' }]) },
      { type: 'application', properties: expect.arrayContaining([{ name: 'vitae:effect', value: 'irreversible' }]) },
      { type: 'data', data: [{ type: 'dataset' }] },
      { type: 'data' },
    ]);
  });
});
