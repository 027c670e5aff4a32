import { invalid } from './mlflow-error.ts';

const LONGEST = 500;

/** A source that names a version of a model in this registry. */
export type VersionNamed = { readonly model: string; readonly version: number } | { readonly model: string; readonly alias: string };

/**
 * A source that may be kept: an address somewhere else, which this registry never opens. Of a prompt any word will do, for
 * its text is in a tag: clients write prompt-template or dummy-source.
 * @throws MlflowError for what climbs out of its directory, and for a path on somebody's own machine: nobody else could read it.
 */
export function checkedSource(source: string, ofPrompt: boolean): string {
  if (source.length > LONGEST) throw invalid(`Invalid model version source: it has more than ${LONGEST} characters.`);
  if (!source.isWellFormed() || /[\0-\x1f]/.test(source) || /%(00|2e)/i.test(source) || source.split(/[/\\?#]/).includes('..')) {
    throw invalid(`Invalid model version source: '${source.slice(0, 200)}'. It must not climb out of its directory, and has no control characters.`);
  }
  if (ofPrompt) return source;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(source) || /^(file|[a-z]):/i.test(source)) {
    throw invalid(`Invalid model version source: '${source}'. A path on one machine cannot be read on another: log the artefact to a store, and name it by its URI.`);
  }
  return source;
}

/** What `models:/<name>/<version>` and `models:/<name>@<alias>` name; undefined for every other source, `models:/m-<id>` too. */
export function versionNamedBy(source: string): VersionNamed | undefined {
  const path = /^models:\/+([^/].*)$/.exec(source)?.[1];
  if (path === undefined) return undefined;
  const [, model, version] = /^([^/@]+)\/(\d{1,9})$/.exec(path) ?? [];
  if (model !== undefined) return { model, version: Number(version) };
  const [, named, alias] = /^([^/]+)@([\w-]+)$/.exec(path) ?? [];
  if (named !== undefined && alias !== undefined) return { model: named, alias };
  if (/^m-[\w-]+$/.test(path)) return undefined;
  throw invalid(`Invalid model version source: '${source}'. models:/ names a version as models:/<name>/<version> or models:/<name>@<alias>, or a logged model as models:/m-<id>.`);
}
