import type { PinnedComponent } from '../ai-system/composition.ts';
import type { GuardrailContent } from '../guardrail/guardrail.ts';
import type { Derivation } from '../model-version/derivation.ts';
import type { ExternalModel } from '../model-version/external-model.ts';
import type { Json } from '../json.ts';
import type { ToolContent } from '../tool/tool.ts';
import { licences, sha256, type CycloneDxVersion } from './cyclonedx.ts';
import { addressIn, type Issue } from './known-version.ts';

/** A version of an AI system, as it is exported. */
export interface KnownSystem {
  readonly id: string;
  readonly projectId: string;
  readonly aiSystemName: string;
  readonly version: number;
  readonly state: string;
  readonly digest: string;
  readonly description: string;
  readonly useCaseId: string;
  readonly contributors: readonly string[];
  readonly parameters: Json;
}

/** What is known of a component beside its name: of each kind something else, and nothing of what is not there any more. */
export interface KnownPart {
  readonly component: PinnedComponent;
  readonly model?: { readonly external: ExternalModel | null; readonly derivedFrom: readonly Derivation[]; readonly task: string };
  readonly prompt?: { readonly type: string; readonly variables: readonly string[]; readonly modelConfig: Json };
  readonly guardrail?: GuardrailContent;
  readonly tool?: ToolContent;
}

/** A CycloneDX ML-BOM of an AI system: the application that it describes, and every part that its version pins. */
export function cycloneDxSystem(system: KnownSystem, parts: readonly KnownPart[], specVersion: CycloneDxVersion, issue: Issue): object {
  const ref = `ai-system-version:${system.id}`;
  const refs = parts.map(({ component }) => refOf(component));
  return {
    $schema: `http://cyclonedx.org/schema/bom-${specVersion}.schema.json`,
    bomFormat: 'CycloneDX',
    specVersion,
    serialNumber: `urn:uuid:${issue.id}`,
    version: 1,
    metadata: {
      timestamp: issue.at,
      tools: { components: [{ type: 'application', name: 'Vitae registry' }] },
      component: {
        type: 'application',
        'bom-ref': ref,
        name: system.aiSystemName,
        version: String(system.version),
        description: system.description,
        authors: system.contributors.map((name) => ({ name })),
        externalReferences: [{ type: 'documentation', url: addressIn(issue, system.projectId, 'ai-system-versions', system.id) }],
        properties: properties({ 'vitae:compositionDigest': system.digest, 'vitae:useCaseId': system.useCaseId, 'vitae:state': system.state, 'vitae:parameters': JSON.stringify(system.parameters) }),
      },
    },
    components: parts.map((part) => componentOf(part, system.projectId, issue)),
    dependencies: [{ ref, dependsOn: [...new Set(refs)] }],
  };
}

/** A model in two roles is two components. */
const refOf = ({ kind, role, id, revision }: PinnedComponent): string => [`${kind}:${id}`, ...(revision > 0 ? [`@${revision}`] : []), ...(role === '' ? [] : [`#${role}`])].join('');

const properties = (values: Readonly<Record<string, string>>) => Object.entries(values).filter(([, value]) => value !== '').map(([name, value]) => ({ name, value }));

function componentOf(part: KnownPart, projectId: string, issue: Issue): object {
  const { component } = part;
  const { kind, role, name, version, digest } = component;
  const said = {
    'bom-ref': refOf(component),
    name,
    version: String(version),
    ...(digest === '' ? {} : { hashes: [sha256(digest)] }),
    externalReferences: [{ type: 'documentation', url: addressIn(issue, projectId, ...placeOf(component)) }],
  };
  const own = (more: Readonly<Record<string, string>>) => properties({ 'vitae:kind': kind, 'vitae:role': role, ...more });
  switch (kind) {
    case 'model-version':
      return modelOf(part, said, own);
    case 'tool': {
      const { tool } = part;
      const facts: Readonly<Record<string, string>> = tool ? { 'vitae:tool': tool.kind, 'vitae:label': tool.label, 'vitae:effect': tool.effect, 'vitae:permissions': tool.permissions.join(', '), 'vitae:approvalRequired': String(tool.approvalRequired), 'vitae:endpoint': tool.endpoint, 'vitae:owner': tool.owner } : {};
      return { ...said, type: 'application', description: tool?.description ?? '', properties: own(facts) };
    }
    case 'dataset-version':
      return { ...said, type: 'data', data: [{ type: 'dataset', name }], properties: own({}) };
    default: {
      const { guardrail, prompt } = part;
      const facts = {
        ...(guardrail ? { 'vitae:guardrail': guardrail.kind, 'vitae:engine': guardrail.engine, 'vitae:categories': guardrail.categories.join(', '), 'vitae:action': guardrail.action, 'vitae:failureMode': guardrail.failureMode } : {}),
        ...(prompt ? { 'vitae:prompt': prompt.type, 'vitae:variables': prompt.variables.join(', '), 'vitae:modelConfig': prompt.modelConfig === null ? '' : JSON.stringify(prompt.modelConfig) } : {}),
      };
      return { ...said, type: 'data', data: [{ type: 'configuration', name }], properties: own(facts) };
    }
  }
}

function modelOf({ model }: KnownPart, { externalReferences, ...said }: { readonly externalReferences: readonly object[] }, own: (more: Readonly<Record<string, string>>) => readonly object[]): object {
  const external = model?.external;
  const derivedFrom = model?.derivedFrom ?? [];
  return {
    ...said,
    type: 'machine-learning-model',
    ...(external ? { supplier: { name: external.provider }, ...licences(external.licence) } : {}),
    // Else the address is no IRI, and stands among the properties only.
    externalReferences: [...externalReferences, ...(external?.terms && URL.canParse(external.terms) ? [{ type: 'license', url: external.terms }] : []), ...(external?.weights ? [{ type: 'distribution', url: external.weights.location, comment: `revision ${external.weights.revision}` }] : [])],
    ...(derivedFrom.length > 0
      ? {
          pedigree: {
            ancestors: derivedFrom.map((base) => ({ type: 'machine-learning-model', name: base.modelName, version: String(base.version), properties: properties({ 'vitae:modelVersionId': base.modelVersionId }) })),
            notes: derivedFrom.map(({ relation, method, modelName, version }) => `${relation}${method === '' ? '' : ` (${method})`} of ${modelName} ${version}`).join('; '),
          },
        }
      : {}),
    ...(model
      ? {
          modelCard: {
            modelParameters: {
              ...(model.task === '' ? {} : { task: model.task }),
              inputs: (external?.inputModalities ?? []).map((format) => ({ format })),
              outputs: (external?.outputModalities ?? []).map((format) => ({ format })),
            },
          },
        }
      : {}),
    properties: own(
      external
        ? { 'vitae:provider': external.provider, 'vitae:providerModelId': external.providerModelId, 'vitae:snapshot': external.snapshot, 'vitae:access': external.access, 'vitae:terms': external.terms, 'vitae:contextWindow': external.contextWindow > 0 ? String(external.contextWindow) : '', 'vitae:regions': external.regions.join(', ') }
        : {},
    ),
  };
}

function placeOf({ kind, id, revision, name, version }: PinnedComponent): readonly string[] {
  switch (kind) {
    case 'model-version':
      return ['model-versions', id];
    case 'prompt-version':
      return ['prompts', name, 'versions', String(version)];
    case 'dataset-version':
      return ['dataset-versions', id];
    case 'evaluation-suite':
      return ['evaluation-suites', id];
    default:
      return [`${kind}s`, id, 'revisions', String(revision)];
  }
}
