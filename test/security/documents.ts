// OpenAPI documents, made ready for an attack: real ids stand in them, so that requests come further than the first 404. Pure.

/** Whose documents are attacked; the console describes no routes, and is what all requests go through. */
export const attacked = ['registry', 'governance', 'deployment', 'monitoring', 'ledger', 'runtime'] as const;
export type Attacked = (typeof attacked)[number];

interface Parameter {
  readonly name: string;
  readonly in: string;
  schema?: { readonly maxLength?: number };
}
export interface Operation {
  readonly operationId?: string;
  parameters?: Parameter[];
  readonly responses: Record<string, object>;
}
export interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly [more: string]: unknown;
}

/** What exists in the attacked project. `{id}` is of what stands before it in the path: `dataset-versions/{id}`. */
export interface Known {
  readonly projectId: string;
  /** By the parameter's name, or by the collection's for an `{id}`. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** Where the attacker comes in: in the project, or where the whole installation is asked. */
export type Part = 'project' | 'installation';

/**
 * The operations of one part, with real ids for the parameters of their paths wherever some are known.
 * @param share of several that attack side by side.
 */
export function armed(document: Document, part: Part, known: Known, share: { readonly at: number; readonly of: number }): Document {
  const paths = Object.entries(document.paths).filter(([path]) => path.includes('{projectId}') === (part === 'project')).filter((_, index) => index % share.of === share.at);
  return { ...document, paths: Object.fromEntries(paths.map(([path, operations]) => [path, withIds(path, operations, known)])) };
}

const OPEN_NUMBER = /^(index|version|number)$/;
const OPEN = /^(index|version|number|person|account|name|key|alias|model)$/;

/** Node itself refuses a request whose address and headers have more than 16 KiB (431), and a character may be 12 of them. */
const LONGEST = 1_300;

function withIds(path: string, operations: Record<string, Operation>, known: Known): Record<string, Operation> {
  const arm = (parameter: Parameter): Parameter => {
    if (parameter.in === 'query' && (parameter.schema?.maxLength ?? 0) > LONGEST) return { ...parameter, schema: { ...parameter.schema, maxLength: LONGEST } };
    const values = parameter.in === 'path' ? valuesOf(path, parameter.name, known) : undefined;
    if (values === undefined) return parameter;
    // Where any number or name will do, what is known is only a hint.
    if (OPEN.test(parameter.name)) return { ...parameter, schema: { anyOf: [{ ...parameter.schema, enum: OPEN_NUMBER.test(parameter.name) ? values.map(Number) : values }, parameter.schema] } as object };
    return { ...parameter, schema: { type: 'string', enum: values } as object };
  };
  return Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, { ...operation, parameters: (operation.parameters ?? []).map(arm) }]));
}

/** At most a handful: each of them is tried. */
function valuesOf(path: string, name: string, { projectId, values }: Known): readonly string[] | undefined {
  if (name === 'projectId') return [projectId];
  const [, collection = ''] = new RegExp(`([\\w-]+)/\\{${name}\\}`).exec(path) ?? [];
  const found = values[`${collection}/${name}`] ?? (name === 'id' ? values[collection] : values[name]);
  return found === undefined || found.length === 0 ? undefined : found.slice(0, 3);
}
