/** MLflow's clients know runs, experiments and logged models by 32 hexadecimal digits: a UUID without its hyphens. */
export const hexOf = (uuid: string): string => uuid.replaceAll('-', '');

/** The UUID that the digits are of; undefined for what are no such digits, which names nothing. */
export function uuidOf(hex: string): string | undefined {
  const [, ...parts] = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(hex) ?? [];
  return parts.length === 5 ? parts.join('-') : undefined;
}

/** A logged model's id has two characters more. */
export const modelIdOf = (uuid: string): string => `m-${hexOf(uuid)}`;
export const uuidOfModel = (modelId: string): string | undefined => (modelId.startsWith('m-') ? uuidOf(modelId.slice(2)) : undefined);
