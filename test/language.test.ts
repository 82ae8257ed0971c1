import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The folders and files that are checked. */
const CHECKED = [
  'bench',
  'docs',
  'examples',
  'experiments',
  'kernels',
  'playground',
  'src/cli',
  'src/train',
  'scripts',
  'src/data',
  'src/attention',
  'src/base',
  'src/gpu',
  'src/grammar',
  'src/nn',
  'src/plan',
  'src/report',
  'test',
  'README.md',
  'RESULTS.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
];

const ENDING = /\.(ts|mts|mjs|wesl|md|html|css|json)$/;

/** Words and phrases to avoid, with replacements. A space in a phrase matches any white space, and the margin of a comment. */
const FORBIDDEN: readonly (readonly [phrase: string, instead: string])[] = [
  ['afresh|anew', 'again'],
  ['as yet', 'so far'],
  ['behind', 'after, slower than'],
  ['dearest', 'costliest'],
  ['everybody|somebody', 'every token, a user'],
  ['for want of', 'without'],
  ['forthwith|henceforth|hereafter|hitherto', 'from now on, so far'],
  ['hereby|herein|hereof|hereto|herewith', 'here'],
  ['in the (place|stead) of', 'instead of'],
  ['(?<!there )(is|are|was|were) no(?! (longer|more|less|better|worse|faster|slower))', 'is not a, has no'],
  ['lest', 'so that … not'],
  ['may well', 'may'],
  ['nought', 'nothing, zero'],
  ['says? so where', 'warns where, reports'],
  ['shall', 'must, should'],
  ['so many', 'this many, the number of'],
  ['stands?|standing|stood', 'is, represents'],
  ['thence|thereby|therefrom|therein|thereof|thereon|thereto|thereupon|therewith', 'there, by that'],
  ['thither|whither|yonder|betwixt|verily|albeit|unto|upon|whilst|oft', 'any other word'],
  ['whatever (it|they|he)', 'any'],
  ['where left out', 'by default'],
  ['whence|whereby|wherefore|wherein|whereof|whereon|whereupon|wherewith', 'from which, by which'],
  ['who(so)?ever', 'any user, a caller that'],
  ['yardstick', 'baseline'],
];

/** A comment or a parameter's description that starts with "Of": a fragment without its subject. */
const FRAGMENT = /\bOf\b(?<=(?:\/\*\*\s+(?:\*\s+)?|^\s*\/\/ |@param \w+ )Of)/gm;

/** The files of a folder, without generated ones and this list of phrases. */
function filesOf(path: string): string[] {
  if (!statSync(join(ROOT, path)).isDirectory()) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' })
    .filter(
      (file) =>
        ENDING.test(file) &&
        !/\.generated\.|(^|\/)node_modules\/|^(model|dist|results)\/|^language\.test\.ts$/.test(file),
    )
    .map((file) => join(path, file));
}

/** "file:line: found" for every forbidden phrase of a text. */
function hits(file: string, text: string): string[] {
  const patterns = FORBIDDEN.map(([phrase, instead]): [RegExp, string] => [
    new RegExp(`\\b(?:${phrase.replaceAll(' ', String.raw`[\s*/]+`)})\\b`, 'gi'),
    instead,
  ]);
  return [...patterns, [FRAGMENT, 'the subject first'] as const].flatMap(([pattern, instead]) => {
    return [...text.matchAll(pattern)].flatMap(({ 0: found, index }) => {
      // All capitals: the name of a constant.
      if (found === found.toUpperCase()) return [];
      const line = text.slice(0, index).split('\n').length;
      return [`${file}:${line}: "${found}"; write: ${instead}`];
    });
  });
}

describe('the language', () => {
  it.each(CHECKED)('of %s is plain technical English', (path) => {
    const files = filesOf(path);
    expect(files.length).toBeGreaterThan(0);
    const texts = files.map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
    expect(texts.flatMap(({ file, text }) => hits(file, text))).toEqual([]);
    // What a merge leaves where two changes meet.
    expect(texts.filter(({ text }) => /^(<{7}|>{7})( |$)/m.test(text)).map(({ file }) => file)).toEqual([]);
  });

  it('is checked across line ends, with exceptions for common phrases', () => {
    expect(hits('a.ts', '/**\n * It is\n * no mask.\n */')).toEqual([
      'a.ts:2: "is\n * no"; write: is not a, has no',
    ]);
    expect(hits('a.ts', '// Whoever')).toHaveLength(1);
    expect(hits('a.ts', '/** Of the last step. */\n// Of rows.\n * @param x Of y.')).toHaveLength(3);
    expect(hits('a.ts', '// There is no mask, it is no longer used, and a standard understands it.')).toEqual(
      [],
    );
  });
});
