import { Refused } from '@vitae/event-store';

/** A version that the registry has deleted, with its model or by itself, or whose bytes it has purged. */
export type Gone =
  | { readonly is: 'purged'; readonly version: number }
  | { readonly is: 'deleted'; readonly version: number; /** Its model's name, when that was deleted. */ readonly withModel?: string };

/** @throws Refused MODEL_VERSION_DELETED, MODEL_VERSION_PURGED, 410. */
export function mustNotBeGone(gone: Gone | undefined): void {
  if (!gone) return;
  if (gone.is === 'purged') throw new Refused('MODEL_VERSION_PURGED', `The bytes of version ${gone.version} are purged for ever, so nothing can serve it. Deploy another version.`, 410);
  const what = gone.withModel === undefined ? `Version ${gone.version} is deleted` : `Version ${gone.version} is deleted together with its model ${gone.withModel}`;
  throw new Refused('MODEL_VERSION_DELETED', `${what}, so it does not begin to serve. Deploy another version, or restore it first: POST …/${gone.withModel === undefined ? 'model-versions' : 'models'}/:id/restoration at the registry.`, 410);
}

export const modelDeleted = (name: string): Refused => new Refused('MODEL_DELETED', `Model ${name} is deleted, so nothing of it begins to serve. Restore it first: POST …/models/:id/restoration at the registry.`, 410);
