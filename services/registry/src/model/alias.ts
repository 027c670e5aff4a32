import { create } from '@bufbuild/protobuf';
import {
  ModelAliasAssignedSchema,
  ModelAliasChangeRefusedSchema,
  ModelAliasProtectedSchema,
  ModelAliasProtectionLiftedSchema,
  ModelAliasRemovedSchema,
  type ModelAliasAssigned,
  type ModelAliasChangeRefused,
  type ModelAliasProtected,
  type ModelAliasProtectionLifted,
  type ModelAliasRemoved,
} from '@vitae/contracts';
import { Refused, type RefusalStatus } from '@vitae/event-store';

/** A name for one version of a model, such as champion: it can be moved to another one. */
export interface Alias {
  readonly target?: { readonly version: number; readonly modelVersionId: string } | undefined;
  /** The only actors who may change it; undefined: it is not protected. */
  readonly allowed?: readonly string[] | undefined;
}
export type Aliases = ReadonlyMap<string, Alias>;

export type AliasCommand =
  | {
      readonly type: 'AssignAlias';
      readonly alias: string;
      readonly version: number;
      readonly modelVersionId: string;
      /** Who built that version. */
      readonly contributors: readonly string[];
      readonly by: string;
      /** All accounts of whoever is behind `by`. */
      readonly accounts: readonly string[];
    }
  | { readonly type: 'RemoveAlias'; readonly alias: string; readonly by: string }
  /** A version goes, and the aliases that name it. */
  | { readonly type: 'RemoveAliasesOf'; readonly modelVersionId: string; readonly by: string }
  | { readonly type: 'ProtectAlias'; readonly alias: string; readonly allowed: readonly string[]; readonly by: string }
  | { readonly type: 'LiftAliasProtection'; readonly alias: string; readonly by: string }
  /** Keeps for the auditor that somebody was refused. */
  | { readonly type: 'RecordAliasRefusal'; readonly alias: string; readonly version: number; readonly refusal: string };

export type AliasEvent = ModelAliasAssigned | ModelAliasRemoved | ModelAliasProtected | ModelAliasProtectionLifted | ModelAliasChangeRefused;
export type AliasRefusal = 'ALIAS_RESERVED' | 'ALIAS_PROTECTED' | 'ALIAS_FOUR_EYES' | 'ALIAS_NOT_FOUND';

/** A refusal that an auditor cares about: it names the alias that somebody had no right to change. */
export class AliasRefused extends Refused {
  constructor(
    readonly alias: string,
    reason: AliasRefusal,
    message: string,
    status: RefusalStatus = 403,
  ) {
    super(reason, message, status);
  }
}

/**
 * The rules of aliases. A protected one is changed only by those whom its protection names; the first protection is free to
 * anybody. And nobody gives a protected alias to a version that they built themselves: what champion names, somebody else
 * has looked at.
 */
export function decideAlias(command: AliasCommand, modelId: string, aliases: Aliases): readonly AliasEvent[] {
  if (command.type === 'RemoveAliasesOf') {
    const going = [...aliases].filter(([, { target }]) => target?.modelVersionId === command.modelVersionId);
    for (const [alias, known] of going) mayChange(alias, known, command.by);
    return going.flatMap(([alias, known]) => removed(modelId, alias, known));
  }
  const { alias } = command;
  const known = aliases.get(alias) ?? {};
  if (command.type === 'RecordAliasRefusal') return [create(ModelAliasChangeRefusedSchema, { modelId, alias, version: command.version, refusal: command.refusal })];
  notReserved(alias);
  switch (command.type) {
    case 'AssignAlias': {
      const { version, modelVersionId, contributors, by, accounts } = command;
      mayChange(alias, known, by);
      const own = contributors.find((contributor) => accounts.includes(contributor));
      if (known.allowed && own !== undefined) {
        throw new AliasRefused(alias, 'ALIAS_FOUR_EYES', `${own === by ? by : `${by} is the same person as ${own}, who`} contributed to version ${version}, and ${alias} is protected, so somebody else has to assign it. Ask ${others(known.allowed, by)}.`);
      }
      if (known.target?.modelVersionId === modelVersionId) return [];
      return [create(ModelAliasAssignedSchema, { modelId, alias, version, modelVersionId, previousVersion: known.target?.version ?? 0 })];
    }
    case 'RemoveAlias':
      mayChange(alias, known, command.by);
      return removed(modelId, alias, known);
    case 'ProtectAlias': {
      const { allowed, by } = command;
      mayChange(alias, known, by);
      if (known.allowed && sameNames(known.allowed, allowed)) return [];
      return [create(ModelAliasProtectedSchema, { modelId, alias, allowed: [...allowed] })];
    }
    case 'LiftAliasProtection':
      mayChange(alias, known, command.by);
      return known.allowed ? [create(ModelAliasProtectionLiftedSchema, { modelId, alias })] : [];
  }
}

export function evolveAlias(aliases: Aliases, event: AliasEvent): Aliases {
  const known = aliases.get(event.alias) ?? {};
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelAliasAssigned':
      return withAlias(aliases, event.alias, { ...known, target: { version: event.version, modelVersionId: event.modelVersionId } });
    case 'vitae.registry.v1.ModelAliasRemoved':
      return withAlias(aliases, event.alias, { ...known, target: undefined });
    case 'vitae.registry.v1.ModelAliasProtected':
      return withAlias(aliases, event.alias, { ...known, allowed: event.allowed });
    case 'vitae.registry.v1.ModelAliasProtectionLifted':
      return withAlias(aliases, event.alias, { ...known, allowed: undefined });
    case 'vitae.registry.v1.ModelAliasChangeRefused':
      return aliases;
  }
}

/** One that names nothing and is not protected is none. */
function withAlias(aliases: Aliases, name: string, alias: Alias): Aliases {
  const others = [...aliases].filter(([other]) => other !== name);
  return new Map(alias.target || alias.allowed ? [...others, [name, alias]] : others);
}

/** @throws AliasRefused ALIAS_PROTECTED. */
export function mayChange(alias: string, { allowed }: Alias, by: string): void {
  if (!allowed || allowed.includes(by)) return;
  throw new AliasRefused(alias, 'ALIAS_PROTECTED', `The alias ${alias} is protected, and ${by} is not among those who may change it: ${allowed.join(', ')}. Ask one of them.`);
}

/** MLflow's clients write models:/<name>/latest and …@v3, so these names have a meaning already. */
function notReserved(alias: string): void {
  if (!/^(latest|v\d+)$/i.test(alias)) return;
  throw new Refused('ALIAS_RESERVED' satisfies AliasRefusal, `${alias} is no name for an alias: latest and v<number> mean a version already. Choose another name.`, 422);
}

function removed(modelId: string, alias: string, { target }: Alias): readonly AliasEvent[] {
  return target ? [create(ModelAliasRemovedSchema, { modelId, alias, ...target })] : [];
}

const sameNames = (some: readonly string[], others: readonly string[]): boolean => some.length === others.length && some.every((name) => others.includes(name));

const others = (allowed: readonly string[], by: string): string => allowed.filter((name) => name !== by).join(' or ') || 'for somebody else to be named in its protection';

export const aliasNotFound = (alias: string, modelName: string): Refused =>
  new Refused('ALIAS_NOT_FOUND' satisfies AliasRefusal, `No version of ${modelName} has the alias ${alias}. PUT …/aliases/${alias} assigns it.`, 404);
