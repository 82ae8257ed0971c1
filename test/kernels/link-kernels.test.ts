import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSrcModule } from 'wesl';
import { kernelModules } from '../../scripts/embed-kernels.mjs';
import { linkKernels } from '../../scripts/link-kernels.mjs';

const MODULES = kernelModules();

/** Links an entry with a module `parts` of this text. */
function linkedWith(part: string, main = 'fn main() { part(); }') {
  const entry = `// The entry.\n\nimport package::parts::{ part };\n\n@compute @workgroup_size(1)\n${main}\n`;
  return linkKernels(new Map(Object.entries({ entry, parts: part })));
}

describe('the modules of the kernels', () => {
  it.each([...MODULES])('%s is WESL', (modulePath, src) => {
    const file = `${modulePath}.wesl`;
    expect(() =>
      parseSrcModule({
        modulePath: `package::${modulePath.replaceAll('/', '::')}`,
        debugFilePath: file,
        src,
      }),
    ).not.toThrow();
  });

  it('have no function body twice', () => {
    const functionsOf = new Map<string, string[]>();
    for (const [module, source] of MODULES) {
      const code = source.replace(/\/\/.*/g, '');
      // A function ends on its own line, or with the first brace at the beginning of one.
      const functions =
        /^(?:@(?:if\([^)]*\)|else) )?fn (\w+)\([^{]*\{(?:([^\n]*)\} *$|[^\n]*\n([\s\S]*?)^\})/gm;
      for (const [, name, line, lines] of code.matchAll(functions)) {
        const body = line ?? lines;
        const bare = body.replace(/\s+/g, ' ').trim();
        functionsOf.set(bare, [...(functionsOf.get(bare) ?? []), `${module}: ${name}`]);
      }
    }
    expect(functionsOf.size).toBeGreaterThan(100);
    expect([...functionsOf.values()].filter((uses) => uses.length > 1)).toEqual([]);
  });

  it('are at most 4,500 lines with their README, those of attention 2,800', () => {
    const linesOf = (text: string) => text.trimEnd().split('\n').length;
    const lines = [...MODULES].map(([module, source]) => ({ module, count: linesOf(source) }));
    const total = (chosen: typeof lines) => chosen.reduce((sum, { count }) => sum + count, 0);
    const readme = linesOf(readFileSync(new URL('../../kernels/README.md', import.meta.url), 'utf8'));
    expect(total(lines) + readme).toBeLessThanOrEqual(4500);
    expect(total(lines.filter(({ module }) => module.startsWith('attention/')))).toBeLessThanOrEqual(2800);
  });
});

describe('linking', () => {
  it('keeps used declarations with their comments, and drops the rest', () => {
    const [{ name, code, origins }] = linkedWith(
      '// Parts of kernels.\n\n// Twice as much.\nconst TWO = 2u; // as a number\n\n// Unused.\nconst ONE = 1u;\n\n// A part.\nfn part() -> u32 { return TWO; }\n',
    );
    expect(name).toBe('entry');
    expect(code).toBe(`// The entry.

@compute @workgroup_size(1)
fn main() { part(); }

// ---- parts.wesl
// Parts of kernels.

// Twice as much.
const TWO = 2u; // as a number

// A part.
fn part() -> u32 { return TWO; }
`);
    const lines = code.split('\n');
    const line = lines.findIndex((text) => text.startsWith('fn part')) + 1;
    const [start, module, first] = origins.findLast(([begin]) => begin <= line)!;
    expect([module, first + line - start]).toEqual(['parts', 10]);
  });

  it('keeps a branch of each condition, with the comment above it', () => {
    const part = `fn part() {
  // What is counted.
  @if(COUNTING) count();
  // Either.
  @if(COUNTING) { a(); }
  @else { b(); }
  var sum = 0u;
  @if(!COUNTING) for (var i = 0u; i < 2u; i++) {
    sum += i;
  }
}
@if(COUNTING) fn count() {}
fn a() {}
fn b() {}
`;
    const [plain, counting] = linkedWith(part);
    expect([plain.name, counting.name]).toEqual(['entry', 'entry_counting']);
    expect(plain.code).toContain('fn part() {\n  // Either.\n  { b(); }\n  var sum = 0u;\n  for (');
    expect(plain.code).not.toMatch(/count|fn a/);
    expect(counting.code).toContain(
      'fn part() {\n  // What is counted.\n  count();\n  // Either.\n  { a(); }\n  var sum = 0u;\n}',
    );
    expect(counting.code).not.toMatch(/fn b|@if|@else/);
  });

  it('takes a declaration whole, templates with commas included', () => {
    const part = `@if(COUNTING) var<workgroup> counts: array<vec2<u32>, 64>;
@if(!COUNTING) const SIZES = array<u32, 2>(1u, 2u);
fn part() {
  @if(COUNTING) counts[0] = vec2u();
  @else if (SIZES[0] < SIZES[1]) { return; }
}
`;
    const [plain, counting] = linkedWith(part);
    expect(plain.code).toContain('\nconst SIZES = array<u32, 2>(1u, 2u);\n');
    expect(plain.code).toContain('  if (SIZES[0] < SIZES[1]) { return; }\n');
    expect(plain.code).not.toContain('counts');
    expect(counting.code).toContain('\nvar<workgroup> counts: array<vec2<u32>, 64>;\n');
    expect(counting.code).not.toContain('SIZES');
  });

  it('links an entry without a header', () => {
    const [{ code }] = linkKernels(new Map([['entry', '\n@compute @workgroup_size(1)\nfn main() {}\n']]));
    expect(code).toBe('@compute @workgroup_size(1)\nfn main() {}\n');
  });

  it("makes a kernel for each family where a module asks for SUBGROUP, and one in a family's folder", () => {
    const part =
      '@if(SUBGROUP) fn part() { lanes(); }\n@else fn part() { memory(); }\nfn lanes() {}\nfn memory() {}\n';
    const entry =
      '// A kernel.\n\nimport package::parts::part;\n\n@compute @workgroup_size(1)\nfn main() { part(); }\n';
    const sources = { 'layers/norm': entry, 'linear/wide/product': entry, 'linear/subgroup/product': entry };
    const kernels = linkKernels(new Map(Object.entries({ ...sources, parts: part })));
    expect(kernels.map(({ name, code }) => [name, /lanes/.test(code), /memory/.test(code)])).toEqual([
      ['layers/subgroup/norm', true, false],
      ['layers/wide/norm', false, true],
      ['linear/subgroup/product', true, false],
      ['linear/wide/product', false, true],
    ]);
  });

  it.each([
    [
      'an unknown condition',
      'fn part() {\n  @if(OTHER) return;\n}',
      /^kernels\/parts\.wesl:2: there is no condition "OTHER"/,
    ],
    [
      'an @else alone',
      'fn part() {\n  @else return;\n}',
      /^kernels\/parts\.wesl:2: @else has no @if before it/,
    ],
    [
      'a name that the module does not declare',
      'fn other() {}',
      /^kernels\/entry\.wesl:3: kernels\/parts\.wesl declares no "part"/,
    ],
    [
      'a module that is missing',
      'import package::missing::{ far };\nfn part() { far(); }',
      /^kernels\/parts\.wesl:1: there is no module kernels\/missing\.wesl/,
    ],
    [
      'two declarations of a name',
      'fn part() {}\nfn part() {}',
      /^kernels\/parts\.wesl:2: "part" is declared twice/,
    ],
    [
      'a name of two modules',
      'fn part() { main(); }\nfn main() {}',
      /^kernels\/parts\.wesl:2: "main" is declared in kernels\/entry\.wesl too/,
    ],
    [
      'text that is not a declaration',
      'fn part() {}\nreturn 1;',
      /^kernels\/parts\.wesl:2: expected a declaration, found "return 1;"/,
    ],
  ])('refuses %s, with module and line', (_, part, says) => {
    expect(() => linkedWith(part)).toThrow(says);
  });
});
