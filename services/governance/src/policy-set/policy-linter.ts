import { parse } from '@bufbuild/cel';
import { gateInput } from '../gate/gate-input.ts';
import { typed, type CelType } from './cel-type.ts';

type Expr = ReturnType<typeof parse>['expr'];
type Locals = ReadonlyMap<string, CelType>;

/** Longest source of one expression, in characters. */
const LONGEST = 4_096;
/** Macros (`all`, `exists`, `filter`, `map`) inside each other: three loops over 200 items take seconds. */
const DEEPEST = 2;

const STRING: CelType = { kind: 'string' };
const BOOL: CelType = { kind: 'bool' };
const INT: CelType = { kind: 'int' };
const UNKNOWN: CelType = { kind: 'unknown' };

/**
 * What is wrong with a CEL expression over gate-input/1, each as a sentence; empty when nothing is.
 *
 * The engine plans anything: an unknown name, an overload that does not exist, a comparison that never holds are found
 * only when a decision runs into them, and `all()` of an empty list passes without anybody noticing. So all of this is
 * refused when the set is loaded.
 */
export function lint(source: string, wanted: 'bool' | 'string'): readonly string[] {
  if (source.length > LONGEST) return [`it has ${source.length} characters; at most ${LONGEST} are allowed`];
  let expression: Expr;
  try {
    ({ expr: expression } = parse(source));
  } catch (error) {
    return [`it is not CEL: ${(error as Error).message}`];
  }
  const problems = new Set<string>();
  const sized = new Set<string>();
  const needSize = new Set<string>();
  const inputs = typed(gateInput);

  const infer = (expr: Expr | undefined, locals: Locals, depth: number): CelType => {
    const kind = expr?.exprKind;
    switch (kind?.case) {
      case 'constExpr':
        return constant(kind.value.constantKind.case);
      case 'identExpr':
        return locals.get(kind.value.name) ?? field(inputs, kind.value.name, 'gate-input/1');
      case 'selectExpr': {
        const operand = infer(kind.value.operand, locals, depth);
        const found = field(operand, kind.value.field, pathOf(kind.value.operand) ?? 'what it is selected from');
        return kind.value.testOnly ? BOOL : found;
      }
      case 'listExpr': {
        const elements = kind.value.elements.map((element) => infer(element, locals, depth));
        return { kind: 'list', of: elements[0] ?? UNKNOWN };
      }
      case 'callExpr':
        return call(kind.value.function, kind.value.target, kind.value.args, locals, depth);
      case 'comprehensionExpr': {
        const { iterVar, iterRange, accuVar, accuInit, loopStep, result } = kind.value;
        if (depth >= DEEPEST) problems.add(`macros are nested more than ${DEEPEST} deep`);
        const range = infer(iterRange, locals, depth);
        if (range.kind !== 'list' && range.kind !== 'unknown') problems.add(`a macro runs over a ${range.kind}, not a list`);
        const path = pathOf(iterRange);
        if (path !== undefined && !locals.has(path.split('.')[0] ?? '') && isAll(accuInit)) needSize.add(path);
        const inside = new Map(locals);
        inside.set(iterVar, range.kind === 'list' ? range.of : UNKNOWN);
        inside.set(accuVar, infer(accuInit, locals, depth));
        inside.set(accuVar, infer(loopStep, inside, depth + 1));
        return infer(result, inside, depth);
      }
      default:
        problems.add(`it uses ${kind?.case ?? 'something'}, which policies may not use`);
        return UNKNOWN;
    }
  };

  const field = (operand: CelType, name: string, where: string): CelType => {
    if (operand.kind === 'unknown') return UNKNOWN;
    const found = operand.kind === 'object' ? operand.fields.get(name) : undefined;
    if (!found) problems.add(`${name} is not in ${where}`);
    return found ?? UNKNOWN;
  };

  const call = (name: string, target: Expr | undefined, args: readonly Expr[], locals: Locals, depth: number): CelType => {
    const path = pathOf(target ?? args[0]);
    if (name === 'size' && path !== undefined) sized.add(path);
    const given = [...(target ? [target] : []), ...args].map((arg) => infer(arg, locals, depth));
    const [a = UNKNOWN, b = UNKNOWN, c = UNKNOWN] = given;
    const same = a.kind === b.kind || a.kind === 'unknown' || b.kind === 'unknown';
    const complain = (problem: string): CelType => {
      problems.add(problem);
      return UNKNOWN;
    };
    switch (name) {
      case '_&&_':
      case '_||_':
      case '!_':
        for (const { kind } of given) if (kind !== 'bool' && kind !== 'unknown') problems.add(`${name.replaceAll('_', '')} is applied to a ${kind}`);
        return BOOL;
      case '_?_:_':
        if (a.kind !== 'bool' && a.kind !== 'unknown') problems.add(`? is asked of a ${a.kind}`);
        return b.kind === 'unknown' || (b.kind === 'list' && b.of.kind === 'unknown') ? c : b;
      case '_==_':
      case '_!=_':
      case '_<_':
      case '_<=_':
      case '_>_':
      case '_>=_':
        if (!same && !(numeric(a) && numeric(b))) problems.add(`a ${a.kind} is compared with a ${b.kind}`);
        return BOOL;
      case '@in':
        if (b.kind !== 'list' && b.kind !== 'unknown') return complain(`in looks into a ${b.kind}, not a list`);
        if (b.kind === 'list' && a.kind !== b.of.kind && a.kind !== 'unknown' && b.of.kind !== 'unknown') problems.add(`a ${a.kind} is looked for in a list of ${b.of.kind}`);
        return BOOL;
      case '_+_':
        if (a.kind === 'list' && b.kind === 'list') return a.of.kind === 'unknown' ? b : a;
        return same ? (a.kind === 'unknown' ? b : a) : complain(`a ${a.kind} and a ${b.kind} are added; the engine has no such overload`);
      case '_-_':
        if (a.kind === 'timestamp' && b.kind === 'timestamp') return { kind: 'duration' };
        return same ? a : complain(`a ${b.kind} is subtracted from a ${a.kind}; the engine has no such overload`);
      case '_*_':
      case '_/_':
      case '_%_':
        return same ? a : complain(`a ${a.kind} and a ${b.kind} are combined by ${name.replaceAll('_', '')}; the engine has no such overload`);
      case '-_':
        return a;
      case '_[_]':
        return a.kind === 'list' ? a.of : UNKNOWN;
      case 'timestamp':
      case 'duration':
        return a.kind === 'string' || a.kind === 'unknown' ? { kind: name } : complain(`${name}() is given a ${a.kind}`);
      case 'size':
      case 'int':
        return INT;
      case 'double':
        return { kind: 'double' };
      case 'string':
      case 'join':
      case 'format':
      case 'lowerAscii':
        return STRING;
      case 'startsWith':
      case 'endsWith':
      case 'contains':
        return a.kind === 'string' || a.kind === 'unknown' ? BOOL : complain(`${name}() is asked of a ${a.kind}`);
      case '@not_strictly_false':
        return BOOL;
      default:
        return complain(`${name}() is not a function that policies may use`);
    }
  };

  const result = infer(expression, new Map(), 0);
  if (result.kind !== wanted && result.kind !== 'unknown') problems.add(`it gives a ${result.kind}, and a ${wanted} is wanted`);
  for (const path of needSize) {
    if (!sized.has(path)) problems.add(`${path}.all() holds when ${path} is empty; ask size(${path}) > 0 as well`);
  }
  return [...problems];
}

const numeric = ({ kind }: CelType): boolean => kind === 'int' || kind === 'double';

function constant(kind: string | undefined): CelType {
  switch (kind) {
    case 'boolValue':
      return BOOL;
    case 'int64Value':
      return INT;
    case 'doubleValue':
      return { kind: 'double' };
    case 'stringValue':
      return STRING;
    default:
      return UNKNOWN;
  }
}

/** `useCase.state` for a chain of names, undefined for anything else. */
function pathOf(expr: Expr | undefined): string | undefined {
  const kind = expr?.exprKind;
  if (kind?.case === 'identExpr') return kind.value.name;
  if (kind?.case !== 'selectExpr' || kind.value.testOnly) return undefined;
  const operand = pathOf(kind.value.operand);
  return operand === undefined ? undefined : `${operand}.${kind.value.field}`;
}

/** Of the macros only `all` starts from true. */
function isAll(accuInit: Expr | undefined): boolean {
  const kind = accuInit?.exprKind;
  return kind?.case === 'constExpr' && kind.value.constantKind.case === 'boolValue' && kind.value.constantKind.value;
}
