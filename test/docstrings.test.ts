import { join } from 'node:path';
import {
  API,
  type Checker,
  type Symbol as Declared,
  type Program,
  SymbolFlags,
} from 'typescript/unstable/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const api = new API({ cwd: ROOT });
let checker: Checker;
let program: Program;

beforeAll(() => {
  const config = join(ROOT, 'tsconfig.build.json');
  ({ checker, program } = api.updateSnapshot({ openProjects: [config] }).getProject(config)!);
});

afterAll(() => api.close());

/** The names that an entry point exports, as they are declared. */
function exportsOf(file: string): { name: string; declared: Declared }[] {
  const names = checker.getExportsOfModule(
    checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, file))!)!,
  );
  return names.map((each) => ({
    name: each.name,
    declared: each.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each,
  }));
}

function hasText(declared: Declared): boolean {
  return checker.getDocumentationCommentOfSymbol(declared).trim() !== '';
}

/** Types of which no reader can guess a unit, a range or a shape. */
const NUMBERS = /\bnumber\b|Array\b|\[\]/;

/** Fields that have their text elsewhere: `SETTINGS` has the help of each, from which the reference takes it. */
const TEXT_ELSEWHERE = join(ROOT, 'src/train/settings.ts');

/** A count whose name says all: attention heads. */
const SAYS_ALL = 'heads';

/** The fields with numbers or lists of an interface or a type, as [name, whether it has a text]. Methods have the text of their type. */
function numericFields(declared: Declared): [string, boolean][] {
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(declared)).flatMap((field) => {
    const path = (field.valueDeclaration ?? field.declarations?.[0])?.path ?? '';
    const type = checker.typeToString(checker.getTypeOfSymbol(field)!);
    const isOurs = path.startsWith(ROOT) && !path.includes('node_modules') && path !== TEXT_ELSEWHERE;
    if (!isOurs || field.name === SAYS_ALL || type.includes('=>') || !NUMBERS.test(type)) return [];
    return [[`${declared.name}.${field.name}: ${type}`, hasText(field)]];
  });
}

describe.each(['src/index.ts', 'bench/harness.ts'])('the reference of %s', (file) => {
  it('has a text for every name', () => {
    const names = exportsOf(file);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter(({ declared }) => !hasText(declared)).map(({ name }) => name)).toEqual([]);
  });

  it('has a text for every field with numbers or lists: their unit, range or shape', () => {
    const types = SymbolFlags.Interface | SymbolFlags.TypeAlias;
    const fields = exportsOf(file).flatMap(({ declared }) =>
      declared.flags & types ? numericFields(declared) : [],
    );
    expect(fields.length).toBeGreaterThan(50);
    expect(fields.filter(([, has]) => !has).map(([name]) => name)).toEqual([]);
  });
});
