import { CallerError } from '../base/errors.js';
import { checkedTag } from './column-selection.js';
import { parseConllu } from './conllu.js';
import type { DataFile, DataRow, ReadOptions } from './data-rows.js';

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
