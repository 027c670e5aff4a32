// Nest's OpenAPI knows what a route takes (zod says it) and not what it answers, for that is a TypeScript type and gone at
// run time. So the compiler is asked: what a controller's method returns is written as a JSON schema of OpenAPI 3.0.
import ts from 'typescript';

export type Schema = Readonly<Record<string, unknown>>;

export interface ResponseSchemas {
  /** What `Class.method` answers with; undefined when it has no JSON body. */
  of(controller: string, method: string): Schema | undefined;
  /** Types with a name of their own, as far as `of` met them. */
  readonly named: Readonly<Record<string, Schema>>;
}

/** Types whose JSON is not their properties, by name. */
const WRITTEN_AS: Readonly<Record<string, Schema>> = {
  Date: { type: 'string', format: 'date-time' },
  Buffer: { type: 'string', format: 'binary' },
  Uint8Array: { type: 'string', format: 'binary' },
  StreamableFile: { type: 'string', format: 'binary' },
};

/** The compiler's own order of a union depends on what else it has read. */
const byText = (a: Schema, b: Schema): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** Of these controllers, which MUST be among the program's files. */
export function responseSchemas(program: ts.Program, controllerFiles: readonly string[]): ResponseSchemas {
  const checker = program.getTypeChecker();
  const named: Record<string, Schema> = {};
  const nameOfType = new Map<ts.Type, string>();
  const unnamedAbove: ts.Type[] = [];
  const classes = new Map<string, ts.ClassDeclaration>();
  for (const file of controllerFiles) {
    const source = program.getSourceFile(file);
    if (!source) throw new Error(`${file} was not found by the compiler.`);
    ts.forEachChild(source, (node) => {
      if (!ts.isClassDeclaration(node) || !node.name) return;
      if (classes.has(node.name.text)) throw new Error(`Two controllers are called ${node.name.text}, and OpenAPI tells them apart by that name. Rename the one in ${file}.`);
      classes.set(node.name.text, node);
    });
  }

  function schemaOf(type: ts.Type): Schema {
    if (type.isUnion()) return unlessWithin(type, () => unionOf(type));
    const { flags } = type;
    if (flags & ts.TypeFlags.StringLiteral) return { type: 'string', enum: [(type as ts.StringLiteralType).value] };
    if (flags & ts.TypeFlags.NumberLiteral) return { type: 'number', enum: [(type as ts.NumberLiteralType).value] };
    if (flags & ts.TypeFlags.BooleanLiteral) return { type: 'boolean', enum: [checker.typeToString(type) === 'true'] };
    if (flags & (ts.TypeFlags.StringLike | ts.TypeFlags.BigIntLike)) return { type: 'string' };
    if (flags & ts.TypeFlags.NumberLike) return { type: 'number' };
    if (flags & ts.TypeFlags.BooleanLike) return { type: 'boolean' };
    if (flags & ts.TypeFlags.Null) return { nullable: true, enum: [null] };
    if (!(flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return {};
    const known = WRITTEN_AS[type.symbol?.name ?? ''];
    if (known) return known;
    if (checker.isArrayType(type) || checker.isTupleType(type)) {
      const of = checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', items: of.length === 1 && of[0] ? schemaOf(of[0]) : { anyOf: of.map(schemaOf) } };
    }
    const name = ownName(type);
    return name === undefined ? unlessWithin(type, () => objectOf(type)) : referenceTo(name, type);
  }

  /** Anything, for a type within itself that has no name to be called by. */
  function unlessWithin(type: ts.Type, written: () => Schema): Schema {
    if (unnamedAbove.includes(type)) return {};
    unnamedAbove.push(type);
    const schema = written();
    unnamedAbove.pop();
    return schema;
  }

  function unionOf(type: ts.UnionType): Schema {
    const members = type.types.filter(({ flags }) => !(flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)));
    const values = members.filter(({ flags }) => !(flags & ts.TypeFlags.Null));
    const nullable = values.length < members.length ? { nullable: true } : {};
    const [first] = values;
    if (values.length === 1 && first) {
      const only = schemaOf(first);
      return '$ref' in only && values.length < members.length ? { allOf: [only], ...nullable } : { ...only, ...nullable };
    }
    if (values.every(({ flags }) => flags & ts.TypeFlags.BooleanLiteral)) return { type: 'boolean', ...nullable };
    if (values.every((value) => value.isStringLiteral())) return { type: 'string', enum: values.map(({ value }) => value).sort(), ...nullable };
    return { anyOf: values.map(schemaOf).sort(byText), ...nullable };
  }

  /** The name that its author gave to an object's type; a generic one is written out where it is used. */
  function ownName(type: ts.Type): string | undefined {
    const alias = type.aliasSymbol && !type.aliasTypeArguments ? type.aliasSymbol.name : undefined;
    const isGeneric = (checker.getTypeArguments(type as ts.TypeReference)?.length ?? 0) > 0;
    const declared = type.symbol && type.symbol.flags & ts.SymbolFlags.Interface && !isGeneric ? type.symbol.name : undefined;
    return alias ?? declared;
  }

  function referenceTo(wanted: string, type: ts.Type): Schema {
    let name = nameOfType.get(type);
    if (name === undefined) {
      for (let n = 2; (name = name === undefined ? wanted : `${wanted}${n++}`) in named; );
      nameOfType.set(type, name);
      named[name] = {}; // for who refers to itself
      named[name] = objectOf(type);
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  function objectOf(type: ts.Type): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of checker.getPropertiesOfType(type)) {
      if (property.name.startsWith('__@')) continue; // keyed by a symbol, so not in JSON
      const of = checker.getTypeOfSymbol(property);
      if (of.getCallSignatures().length > 0) continue;
      properties[property.name] = schemaOf(of);
      const mayBeMissing = property.flags & ts.SymbolFlags.Optional || (of.isUnion() && of.types.some(({ flags }) => flags & ts.TypeFlags.Undefined));
      if (!mayBeMissing) required.push(property.name);
    }
    const byKey = type.getStringIndexType();
    return {
      type: 'object',
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(required.length > 0 ? { required: required.sort() } : {}),
      ...(byKey ? { additionalProperties: schemaOf(byKey) } : {}),
    };
  }

  return {
    named,
    of(controller, method) {
      const symbol = checker.getSymbolAtLocation(classes.get(controller)?.name as ts.Node);
      const member = symbol && checker.getDeclaredTypeOfSymbol(symbol).getProperty(method);
      const signature = member && checker.getTypeOfSymbol(member).getCallSignatures()[0];
      const answer = signature && checker.getAwaitedType(signature.getReturnType());
      if (!answer || answer.flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined | ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return undefined;
      return schemaOf(answer);
    },
  };
}
