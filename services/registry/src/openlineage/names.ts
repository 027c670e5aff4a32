// How the registry's things are called in OpenLineage: in what it tells others, and in what others tell of them.

export const namespaceOf = (projectId: string): string => `vitae://${projectId}`;

export const nameOfDataset = (name: string): string => `datasets/${name}`;
export const nameOfModel = (name: string): string => `models/${name}`;

const after = (prefix: string, name: string): string | undefined => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined);
export const datasetName = (name: string): string | undefined => after('datasets/', name);
export const modelName = (name: string): string | undefined => after('models/', name);
