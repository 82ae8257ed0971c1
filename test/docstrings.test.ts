import { join } from 'node:path';
import { API, SymbolFlags } from 'typescript/unstable/sync';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

it('every name that the library exports has a docstring', () => {
  const api = new API({ cwd: ROOT });
  try {
    const config = join(ROOT, 'tsconfig.build.json');
    const { checker, program } = api.updateSnapshot({ openProjects: [config] }).getProject(config)!;
    const missing = ['src/index.ts', 'bench/harness.ts'].flatMap((file) => {
      const names = checker.getExportsOfModule(
        checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, file))!)!,
      );
      expect(names.length).toBeGreaterThan(10);
      return names.flatMap((name) => {
        const declared = name.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name;
        return checker.getDocumentationCommentOfSymbol(declared).trim() === ''
          ? [`${file}: ${name.name}`]
          : [];
      });
    });
    expect(missing).toEqual([]);
  } finally {
    api.close();
  }
});
