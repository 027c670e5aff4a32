import type { ModelAliasAssigned, ModelAliasRemoved, ModelRegistered, ModelTagged, ModelTagRemoved, ModelVersionReferenced, ModelVersionRegistered, ModelVersionTagged, ModelVersionTagRemoved } from '@vitae/contracts';

/** What a receiver of MLflow's is told of. */
export type NoticedEvent = ModelRegistered | ModelTagged | ModelTagRemoved | ModelAliasAssigned | ModelAliasRemoved | ModelVersionRegistered | ModelVersionReferenced | ModelVersionTagged | ModelVersionTagRemoved;

export const NOTICED: ReadonlySet<string> = new Set<NoticedEvent['$typeName']>([
  'vitae.registry.v1.ModelRegistered', 'vitae.registry.v1.ModelTagged', 'vitae.registry.v1.ModelTagRemoved', 'vitae.registry.v1.ModelAliasAssigned', 'vitae.registry.v1.ModelAliasRemoved',
  'vitae.registry.v1.ModelVersionRegistered', 'vitae.registry.v1.ModelVersionReferenced', 'vitae.registry.v1.ModelVersionTagged', 'vitae.registry.v1.ModelVersionTagRemoved',
]);

/** What MLflow's webhooks may be told of, with an example of each. */
export const EXAMPLES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'registered_model.created': { name: 'example_model', tags: { example_key: 'example_value' }, description: 'An example registered model' },
  'model_version.created': { name: 'example_model', version: '1', source: 'models:/123', run_id: 'abcd1234abcd5678', tags: { example_key: 'example_value' }, description: 'An example model version' },
  'model_version_tag.set': { name: 'example_model', version: '1', key: 'example_key', value: 'example_value' },
  'model_version_tag.deleted': { name: 'example_model', version: '1', key: 'example_key' },
  'model_version_alias.created': { name: 'example_model', alias: 'example_alias', version: '1' },
  'model_version_alias.deleted': { name: 'example_model', alias: 'example_alias' },
  'prompt.created': { name: 'example_prompt', tags: { example_key: 'example_value' }, description: 'An example prompt' },
  'prompt_version.created': { name: 'example_prompt', version: '1', template: 'Hello {{name}}!', tags: { example_key: 'example_value' }, description: 'An example prompt version' },
  'prompt_tag.set': { name: 'example_prompt', key: 'example_key', value: 'example_value' },
  'prompt_tag.deleted': { name: 'example_prompt', key: 'example_key' },
  'prompt_version_tag.set': { name: 'example_prompt', version: '1', key: 'example_key', value: 'example_value' },
  'prompt_version_tag.deleted': { name: 'example_prompt', version: '1', key: 'example_key' },
  'prompt_alias.created': { name: 'example_prompt', alias: 'example_alias', version: '1' },
  'prompt_alias.deleted': { name: 'example_prompt', alias: 'example_alias' },
};

/** What is known beside the event. */
export interface NoticeContext {
  /** The model's. */
  readonly name: string;
  readonly isPrompt: boolean;
  /** Tags that came with a registration. */
  readonly tags: Readonly<Record<string, string>>;
  /** Whether the event came together with the registration: its tags are told with that. */
  readonly withRegistration: boolean;
}

export interface Notice {
  /** In MLflow's words: `model_version.created`. */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What an event is to MLflow's receivers; undefined for what they are not told of. */
export function noticeOf(event: NoticedEvent, { name, isPrompt, tags, withRegistration }: NoticeContext): Notice | undefined {
  const [model, version] = isPrompt ? ['prompt', 'prompt_version'] : ['registered_model', 'model_version'];
  const alias = isPrompt ? 'prompt_alias' : 'model_version_alias';
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelRegistered':
      return { type: `${model}.created`, data: { name, tags, description: event.description || null } };
    case 'vitae.registry.v1.ModelTagged':
      return isPrompt && !withRegistration ? { type: 'prompt_tag.set', data: { name, key: event.key, value: event.value } } : undefined;
    case 'vitae.registry.v1.ModelTagRemoved':
      return isPrompt ? { type: 'prompt_tag.deleted', data: { name, key: event.key } } : undefined;
    case 'vitae.registry.v1.ModelAliasAssigned':
      return { type: `${alias}.created`, data: { name, alias: event.alias, version: String(event.version) } };
    case 'vitae.registry.v1.ModelAliasRemoved':
      return { type: `${alias}.deleted`, data: { name, alias: event.alias } };
    case 'vitae.registry.v1.ModelVersionRegistered':
    case 'vitae.registry.v1.ModelVersionReferenced': {
      const number = String(event.version);
      const description = event.description || null;
      if (isPrompt) return { type: 'prompt_version.created', data: { name, version: number, template: tags['mlflow.prompt.text'] ?? '', tags, description } };
      const source = event.$typeName === 'vitae.registry.v1.ModelVersionReferenced' ? event.source : event.artefactSource;
      return { type: 'model_version.created', data: { name, version: number, source, run_id: event.runId || null, tags, description } };
    }
    case 'vitae.registry.v1.ModelVersionTagged':
      return withRegistration ? undefined : { type: `${version}_tag.set`, data: { name, version: String(event.version), key: event.key, value: event.value } };
    case 'vitae.registry.v1.ModelVersionTagRemoved':
      return { type: `${version}_tag.deleted`, data: { name, version: String(event.version), key: event.key } };
  }
}

/** The body of a message, as it is sent and signed. */
export function bodyOf({ type, data }: Notice, timestamp: string): string {
  const [entity, action] = type.split('.');
  return JSON.stringify({ entity, action, timestamp, data });
}
