// Writes the linked kernels into one TypeScript module, so that Node, a bundler and a browser load the same text without a
// file system; and, for readers, each into a file of dist/kernels/.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { linkKernels } from './link-kernels.mjs';

const target = new URL('../src/gpu/kernel-sources.generated.ts', import.meta.url);

/** The modules of kernels/: text by path, without the ending. */
export function kernelModules() {
  const folder = fileURLToPath(new URL('../kernels/', import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) =>
    file.replaceAll('\\', '/'),
  );
  const modules = files.filter((file) => file.endsWith('.wesl')).sort();
  return new Map(
    modules.map((file) => [file.slice(0, -'.wesl'.length), readFileSync(`${folder}${file}`, 'utf8')]),
  );
}

function planWordNames(modules) {
  const source = modules.get('attention/plan_words');
  return [...source.matchAll(/^const (\w+) = (\w+)u;/gm)].map(([, name, value]) => [name, value]);
}

/** The text of a module with the kernels. @param typed Whether it is TypeScript. */
function moduleOf(kernels, typed) {
  const record = (name, type, field) => [
    `export const ${name} = {`,
    ...kernels.map((kernel) => `  ${JSON.stringify(kernel.name)}: ${JSON.stringify(field(kernel))},`),
    typed ? `} ${type};` : '};',
  ];
  return [
    '// Written by scripts/embed-kernels.mjs from kernels/; edit those.',
    ...record('kernelSources', 'as const', ({ code }) => code),
    '/** The origin of each part of those texts: its first line, the module it comes from, and the line there. */',
    ...record(
      'kernelOrigins',
      'satisfies Record<string, [number, string, number][]>',
      ({ origins }) => origins,
    ),
    '/** The names that kernels and plans share (kernels/attention/plan_words.wesl). */',
    'export const planWordNames = {',
    ...planWordNames(kernelModules()).map(([name, value]) => `  ${name}: ${value},`),
    typed ? '} as const;' : '};',
    '',
  ].join('\n');
}

/** A kernel without its comments. Its lines stay, so that errors name the same ones. */
function withoutComments(code) {
  return code
    .replace(/\/\/.*$/gm, '')
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/[ \t]+$/gm, '');
}

/** Writes the module for bundles of browsers: without comments, and without the kernels that only benchmarks run. */
export function writeBrowserKernels(kernels, file) {
  const run = kernels.filter(({ name }) => !/_counting$|^peaks\//.test(name));
  const short = run.map((kernel) => ({ ...kernel, code: withoutComments(kernel.code) }));
  writeFileSync(file, moduleOf(short, false));
}

/** Links the kernels, writes them into the module, and returns them. */
export function embedKernels() {
  const kernels = linkKernels(kernelModules());
  const text = moduleOf(kernels, true);
  // An unchanged module keeps its time stamp, by which scripts/install.mjs sees whether dist/ is up to date.
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) writeFileSync(target, text);
  return kernels;
}

/** Writes each linked kernel as a file below a folder. */
export function writeKernels(kernels, folder) {
  for (const { name, code } of kernels) {
    const file = new URL(`${name}.wgsl`, folder);
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, code);
  }
}
