import { CallerError, type ErrorParts } from '../base/errors.js';
import { withLineFeeds } from '../base/line-ends.js';
import type { TaggedWord } from '../grammar/custom-tags.js';
import { checkedTag } from './column-selection.js';
import type { DataFile, DataRow, ReadOptions } from './data-rows.js';

/** A word with its line. */
interface ConlluWord extends TaggedWord {
  line: number;
}

/** A sentence of a CoNLL-U file. */
export interface TaggedSentence {
  /** The line of its text, from 1. */
  line: number;
  text: string;
  /** The value of `# label =`. */
  label?: string;
  words: ConlluWord[];
}

const FIELDS = 10;
const FORM = 1;
const UPOS = 3;

/** A word line of the file. */
interface Part {
  line: number;
  form: string;
  tag: string;
}

/** A word of the text: one word line, or a range of several ("don't", "du"). */
interface SurfaceWord {
  line: number;
  form: string;
  /** The word lines of the word: one, or those of its range. */
  parts: Part[];
  /** The numbers of its first and last word line. */
  first: number;
  last: number;
}

class SentenceReader {
  private text: { line: number; value: string } | undefined;
  private label: string | undefined;
  private readonly words: SurfaceWord[] = [];
  /** The number of the next word. */
  private next = 1;
  /** Empty nodes since the last word. */
  private empty = 0;

  constructor(
    private readonly file: string,
    private readonly firstLine: number,
  ) {}

  read(lines: readonly string[]): TaggedSentence {
    lines.forEach((line, index) => {
      if (line.startsWith('#')) this.comment(line, this.firstLine + index);
      else this.word(line, this.firstLine + index);
    });
    this.checkEnd();
    if (this.text === undefined) {
      throw this.error(this.firstLine, {
        what: 'a sentence without its text',
        expected: 'a line "# text = …"',
      });
    }
    const { line, value } = this.text;
    const words = this.aligned(value);
    const rest = value.slice(words.at(-1)?.end ?? 0).trim();
    if (rest === '') return { line, text: value, label: this.label, words };
    throw this.error(line, {
      what: `no words for "${rest.slice(0, 20)}"`,
      expected: 'words for the whole text',
    });
  }

  private comment(line: string, number: number): void {
    const [, name, value] = /^#\s*(text|label)\s*=\s?(.*)$/s.exec(line) ?? [];
    if (name === 'text' && this.text) throw this.error(number, { what: 'a second text', expected: 'one' });
    if (name === 'label' && this.label !== undefined) {
      throw this.error(number, { what: 'a second label', expected: 'one' });
    }
    if (name === 'text') this.text = { line: number, value };
    if (name === 'label') this.label = value.trim();
  }

  private word(line: string, number: number): void {
    const fields = line.split('\t');
    const [, first, rest] = /^(\d+)((?:-\d+|\.\d+)?)$/.exec(fields[0]) ?? [];
    if (fields.length !== FIELDS || first === undefined) {
      throw this.error(number, {
        what: fields.length === FIELDS ? `"${fields[0]}" as the number of a word` : `${fields.length} fields`,
        expected: `${FIELDS}, separated by tabs: a number, the form, the lemma, the tag …`,
      });
    }
    const form = fields[FORM];
    if (form === '') throw this.error(number, { what: `word ${first} has no form`, expected: 'one' });
    const id = Number(first);
    // Empty nodes are words that are not in the text.
    if (rest.startsWith('.')) {
      this.checkEmptyNode(id, Number(rest.slice(1)), number);
      return;
    }
    this.empty = 0;
    const whole = this.words.at(-1);
    const inRange = whole !== undefined && this.next <= whole.last;
    if (id !== this.next) {
      throw this.error(number, {
        what: inRange
          ? `word ${this.next} of range ${whole.first}-${whole.last} is missing`
          : `word ${fields[0]} follows word ${this.next - 1}`,
        expected: `word ${this.next}`,
      });
    }
    if (rest.startsWith('-')) {
      this.range(id, Number(rest.slice(1)), form, number, inRange);
      return;
    }
    this.next++;
    const part = { line: number, form, tag: fields[UPOS] };
    if (inRange) whole.parts.push(part);
    else this.words.push({ line: number, form, parts: [part], first: id, last: id });
  }

  /** Empty nodes come after the word whose number they have, and are counted from 1. */
  private checkEmptyNode(id: number, node: number, line: number): void {
    this.empty++;
    if (id === this.next - 1 && node === this.empty) return;
    throw this.error(line, {
      what: `empty node ${id}.${node}`,
      expected: `${this.next - 1}.${this.empty}, or word ${this.next}`,
    });
  }

  private range(first: number, last: number, form: string, line: number, inRange: boolean): void {
    if (last <= first || inRange) {
      throw this.error(line, {
        what: `range ${first}-${last}${inRange ? ' inside another' : ''}`,
        expected: inRange ? 'a word' : 'the numbers of its first and its last word',
      });
    }
    this.words.push({ line, form, parts: [], first, last });
  }

  /** @throws CallerError where the sentence ends before a range does. */
  private checkEnd(): void {
    const whole = this.words.at(-1);
    if (!whole || this.next > whole.last) return;
    throw this.error(whole.line, {
      what: `word ${this.next} of range ${whole.first}-${whole.last} is missing`,
      expected: `words ${whole.first} to ${whole.last} below`,
    });
  }

  /** Finds each word in the text. */
  private aligned(text: string): ConlluWord[] {
    let at = 0;
    return this.words.flatMap(({ line, form, parts }) => {
      const start = text.indexOf(form, at);
      if (start < 0 || text.slice(at, start).trim() !== '') {
        throw this.error(line, {
          what: `"${form}" does not follow in the text of its sentence`,
          expected: `it where the text continues with "${text.slice(at).trimStart().slice(0, 20)}"`,
        });
      }
      at = start + form.length;
      return spread(parts, form, start);
    });
  }

  private error(line: number, parts: ErrorParts): CallerError {
    return new CallerError({ ...parts, where: `${this.file}:${line}` });
  }
}

/**
 * The positions of the parts of a surface word. Parts that spell the word follow each other ("do" and "n't" of "don't"). Else
 * the first part is the whole word ("de" of "du").
 */
function spread(parts: readonly Part[], form: string, start: number): ConlluWord[] {
  if (parts.map((part) => part.form).join('') !== form) {
    const [{ tag, line }] = parts;
    return [{ start, end: start + form.length, tag, line }];
  }
  let at = start;
  return parts.map((part) => {
    const partStart = at;
    at += part.form.length;
    return { start: partStart, end: at, tag: part.tag, line: part.line };
  });
}

/**
 * Parses a CoNLL-U file: sentences with `# text = …`, tagged words (FORM and UPOS), and an optional `# label = …`. A range
 * gives the position of its words in the text. Empty nodes are skipped.
 * @throws CallerError with file and line for an invalid file.
 */
export function parseConllu(text: string, file: string): TaggedSentence[] {
  const sentences: TaggedSentence[] = [];
  let lines: string[] = [];
  const all = withLineFeeds(text.replace(/^\ufeff/, '')).split(/\r?\n/);
  for (const [index, line] of [...all, ''].entries()) {
    if (line !== '') {
      lines.push(line);
      continue;
    }
    if (lines.length > 0) sentences.push(new SentenceReader(file, index + 1 - lines.length).read(lines));
    lines = [];
  }
  return sentences;
}

/**
 * The sentences of a CoNLL-U file, with tags, and with labels where these are requested.
 * @throws CallerError with file and line for an invalid file, a tag that is not among the requested ones, or a missing label.
 */
export function conlluRows(text: string, file: string, { labels, tags }: ReadOptions): DataFile {
  const rows = parseConllu(text, file).map(({ line, text: sentence, label, words }): DataRow => {
    const where = `${file}:${line}`;
    if (labels && label === undefined) {
      throw new CallerError({ what: 'a sentence without a label', where, expected: 'a line "# label = …"' });
    }
    const checked = words.map(({ start, end, tag, line: wordLine }) => {
      return { start, end, tag: checkedTag(tag, tags, `${file}:${wordLine}`) };
    });
    return { number: line, text: sentence, label, words: checked };
  });
  if (rows.length > 0) return { file, counts: 'lines', rows };
  throw new CallerError({ what: 'no sentences', where: file, expected: 'lines of CoNLL-U' });
}
