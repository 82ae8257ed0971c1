import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** The words of the code of every file, without its comments. */
const WORDS = new Map(
  ['src', 'bench', 'playground', 'kernels', 'scripts'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|mjs|wesl)$/.test(file) && !/^(dist|model)\/|\.generated\./.test(file))
      .map((file): [string, Set<string>] => {
        const code = read(join(folder, file)).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
        return [join(folder, file), new Set(code.match(/[\w$]+/g))];
      }),
  ),
);

/** Names of code, `Class.member` or a word; and names of files, folders and flags. */
const NAME = /^[A-Za-z_$][\w$]*(\.[\w$]+)?$/;
const FILE = /\/|\.\w+$/;

/** Whether one file has all parts of a name. @param only The file that must have it, where it is named. */
function isInCode(name: string, only?: string): boolean {
  const parts = name.split('.');
  return [...WORDS].some(([file, words]) => {
    return (only === undefined || file === only) && parts.every((part) => words.has(part));
  });
}

/** The names on a page that do not exist. */
function missingIn(page: string): string[] {
  const text = read(page);
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  const named = [...prose.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  // A picture's names are those in camel case.
  const blocks = [...text.matchAll(/^```mermaid$([\s\S]*?)^```/gm)].map(([, block]) => block);
  const drawn = blocks.flatMap((block) => block.match(/"[^"]*"/g) ?? []);
  named.push(...drawn.flatMap((label) => label.match(/\b\w*[a-z][A-Z]\w*(\.\w+)?/g) ?? []));
  const missing = named.filter((name) => {
    if (existsSync(join(ROOT, name))) return false;
    return FILE.test(name) && !NAME.test(name) ? true : NAME.test(name) && !isInCode(name);
  });
  // "`file`: `name`": the file itself has the name.
  const stops = [...prose.matchAll(/`([\w./-]+\.ts)`: `([\w.]+)`/g)];
  return [
    ...missing,
    ...stops.filter(([, file, name]) => !isInCode(name, file)).map(([, file, name]) => `${file}: ${name}`),
  ];
}

/** The pages of the site. */
const PAGES = [
  ...readdirSync(join(ROOT, 'docs')).flatMap((file) => (file.endsWith('.md') ? [join('docs', file)] : [])),
  ...['README.md', 'CONTRIBUTING.md', 'RESULTS.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...['kernels/README.md', 'examples/README.md'],
];

/** The links of a page to files and their parts. */
function linksOf(page: string): [file: string, part: string | undefined][] {
  const prose = read(page).replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)].map(([, file, part]) => [
    file,
    part,
  ]);
}

/** The parts of a page: its headings, as GitHub names them in links. */
function partsOf(page: string): string[] {
  const prose = read(page).replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/ /g, '-'),
  );
}

describe('the docs', () => {
  it.each(['docs/architecture.md', 'docs/glossary.md'])('%s names only files and code that exist', (page) => {
    expect(missingIn(page)).toEqual([]);
  });

  it('have links to files that exist', () => {
    const broken = PAGES.flatMap((page) =>
      linksOf(page).flatMap(([file, part]) => {
        const path = file === '' ? page : join(dirname(page), file);
        if (!existsSync(join(ROOT, path))) return [`${page}: ${file}`];
        return !part || partsOf(path).includes(part) ? [] : [`${page}: ${file}#${part}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('are each listed once in their table of contents', () => {
    const listed = linksOf('docs/README.md').map(([file]) => join('docs', file));
    const pages = PAGES.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
    expect(listed.filter((page) => page.startsWith('docs/')).sort()).toEqual(pages.sort());
  });
});
