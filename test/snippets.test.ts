import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.js';

const ROOT = join(import.meta.dirname, '..');
const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((page) =>
  page.endsWith('.md'),
);

/** The code blocks of a page. Those with types in comments are checked as JavaScript, the others as TypeScript. */
function snippetsOf(page: string): { name: string; code: string }[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(?:js|ts)\n(.*?)^```/gms)].map(([, code], at) => ({
    name: `${page.replace(/\W/g, '-')}-${at + 1}.${code.includes('@type') ? 'mjs' : 'mts'}`,
    code,
  }));
}

// A user's settings reach our declarations only where `skipLibCheck` is off.
const STRICTEST = { skipLibCheck: false, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };

it.each([
  ['strict TypeScript', {}],
  ['the strictest TypeScript, and so do the declarations they import', STRICTEST],
])('the snippets of README and docs pass %s', (_, more) => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/parsimony-attention'), 'junction');
  symlinkSync(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'), 'junction');
  const snippets = pages.flatMap(snippetsOf);
  expect(snippets.length).toBeGreaterThan(8);
  for (const { name, code } of snippets) writeFileSync(join(folder, name), code);
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    lib: ['ES2023', 'DOM'],
    types: ['node'],
    strict: true,
    checkJs: true,
    noEmit: true,
    ...more,
  };
  const config = { compilerOptions, files: snippets.map(({ name }) => name) };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
