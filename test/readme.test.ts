import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { parseRules } from '../src/grammar/rules-file.js';
import { withDeviceOfTests } from './support/run-here.js';

const ROOT = join(import.meta.dirname, '..');

/** The README and the pages of docs/, whose commands continue those of the README. */
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((file) => join('docs', file))].filter(
  (file) => file.endsWith('.md'),
);

function blocks(language: string, page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code);
}

it('the README is short', () => {
  expect(readFileSync(join(ROOT, 'README.md'), 'utf8').split(/\s+/).length).toBeLessThan(900);
});

describe('README and docs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parsimony-readme-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/parsimony-attention'), 'junction');
  afterAll(() => rmSync(folder, { recursive: true }));

  const examples = ['README.md', 'docs/library.md']
    .flatMap((page) => blocks('js', page))
    .map((code, index) => {
      const file = join(folder, `example-${index}.mjs`);
      writeFileSync(file, code);
      return { number: index + 1, code, file };
    });

  it.each(examples)('show a library example of under 20 lines: $number', ({ code }) => {
    expect(code.trimEnd().split('\n').length).toBeLessThan(20);
  });

  it('show a library example that runs unchanged, and ends', () => {
    const env = { ...process.env, PARSIMONY_ADAPTER: process.env.PARSIMONY_ADAPTER ?? 'embedded' };
    const [{ file }] = examples;
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { env, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    expect(stdout).not.toMatch(/NaN|undefined/);
  });

  it.each(examples.slice(1))('show another that runs unchanged: $number', async ({ file }) => {
    const before = process.cwd();
    const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
    try {
      process.chdir(folder);
      await withDeviceOfTests(() => import(pathToFileURL(file).href));
      const printed = log.mock.calls.flat().map((each) => inspect(each));
      expect(printed.length).toBeGreaterThan(0);
      expect(printed.join(' ')).not.toMatch(/NaN|undefined/);
    } finally {
      log.mockRestore();
      process.chdir(before);
    }
  });

  const programs = ['attend-own-labels', 'layout-of-rules', 'draw-a-mask', 'train-and-predict'];

  it.each(programs)('have a program of examples/ that runs: %s', async (name) => {
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, readFileSync(join(ROOT, 'examples', `${name}.mjs`)));
    const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
    try {
      await withDeviceOfTests(() => import(pathToFileURL(file).href));
      const printed = log.mock.calls.flat().map((each) => inspect(each));
      expect(printed.join(' ')).not.toMatch(/NaN|undefined/);
      expect(printed.length).toBeGreaterThan(1);
      // The class that the words speak for.
      if (name === 'train-and-predict') {
        expect(log.mock.calls.map(([, label]) => label)).toEqual(['positive', 'negative']);
      }
    } finally {
      log.mockRestore();
    }
  });

  it('name no file before the command that writes it', () => {
    const inReadme = new Set<string>();
    const missing: string[] = [];
    for (const page of PAGES) {
      const written = page === 'README.md' ? inReadme : new Set(inReadme);
      for (const line of blocks('sh', page).join('\n').split('\n')) {
        const words = line.replace(/ +#.*$/, '').match(/"[^"]*"|\S+/g) ?? [];
        words.forEach((word, at) => {
          if (!/^(runs|experiments)\/|\.(json|html|tsv)$/.test(word) || /^(my|path)\b/.test(word)) return;
          if (/^--(out|json|html|csv|glue|errors)$/.test(words[at - 1])) written.add(word);
          else if (!written.has(word) && !existsSync(join(ROOT, word))) missing.push(`${page}: ${line}`);
        });
      }
    }
    expect(missing).toEqual([]);
    expect(inReadme).toContain('attention.json');
  });

  it('show rules that parse', () => {
    const [rules] = blocks('json', 'docs/your-own-rules.md').map((text) => parseRules(text, 'rules'));
    expect(rules.hard).toContainEqual(['NOUN', 'ADJ']);
    expect(rules.soft).toContainEqual(['NOUN', 'VERB']);
  });
});
