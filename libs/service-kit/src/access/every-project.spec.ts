import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

// Each place that looks across projects for a caller who may not, with what it lets out of them. A new one has to be written
// down here, by somebody who has looked.
const PLACES: Readonly<Record<string, readonly [places: number, letsOut: string]>> = {
  'libs/service-kit/src/access/access-audit.ts': [1, 'nothing: it appends what happened at the doors'],
  'libs/service-kit/src/access/rate-limits.store.ts': [1, 'that a limit is used up, by the caller or of the project that was asked for'],
  'services/ledger/src/evidence/evidence-selection.view.ts': [3, 'how many events about its subjects are others\', and leaves of withheld events; whether the streams that were named are too large together'],
  'services/ledger/src/webhook/deliveries.view.ts': [2, 'nothing: a webhook of a project is told of its own events, and one of all projects takes a right on all'],
  'services/registry/src/model-version/version-bytes.view.ts': [2, 'that bytes, which the caller has, are needed by something else still'],
};

describe('work that looks across projects', () => {
  it('is done in these places and no others', () => {
    const root = fileURLToPath(new URL('../../../..', import.meta.url));
    const found: Record<string, number> = {};
    for (const file of globSync(['libs/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root })) {
      if (file.endsWith('.spec.ts') || file.endsWith('access/project-scope.ts')) continue;
      const calls = readFileSync(`${root}/${file}`, 'utf8').match(/\beveryProject\s*\(/g)?.length ?? 0;
      if (calls > 0) found[file.replaceAll('\\', '/')] = calls;
    }
    expect(found).toEqual(Object.fromEntries(Object.entries(PLACES).map(([file, [places]]) => [file, places])));
  });

  it('is never handed on under another name', () => {
    const root = fileURLToPath(new URL('../../../..', import.meta.url));
    const named = globSync(['libs/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root })
      .filter((file) => !file.endsWith('.spec.ts') && /\beveryProject\b(?!\s*\()/.test(readFileSync(`${root}/${file}`, 'utf8').replaceAll(/^import .*$/gm, '').replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, '')));
    expect(named.sort()).toEqual(['libs/service-kit/src/access/project-scope.ts', 'libs/service-kit/src/index.ts']);
  });
});
