import type { ModelExplanation } from '../../train/sentence-classifier.js';
import { ABSENT } from './explained-pairs.js';
import type { Explanation } from './explanation.js';
import { DIGITS, type HeadData, type PageData } from './page-script.js';

/** Characters of attention that a page holds at most: it stays under a megabyte. */
const MOST_CHARACTERS = 640_000;

/** A head of a model with what its attention did. */
export interface ShownHead {
  layer: number;
  head: number;
  /** Which of the explanation's views it has its rules from. */
  view: number;
  /** [pieces, pieces] */
  probabilities: Float32Array;
}

/** What people call a head: both numbers count from 0, as in rules files and checkpoints. */
export function nameOfHead({ layer, head }: Pick<ShownHead, 'layer' | 'head'>): string {
  return `Layer ${layer}, head ${head}`;
}

/** All heads of a model, the first layer's first. */
export function allHeads({ views }: Explanation, { attention }: ModelExplanation): ShownHead[] {
  return attention.flatMap((layer, layerIndex) =>
    layer.map((probabilities, head) => {
      const number = layerIndex * layer.length + head;
      return {
        layer: layerIndex,
        head,
        view: Math.max(
          0,
          views.findIndex(({ heads }) => heads?.includes(number)),
        ),
        probabilities,
      };
    }),
  );
}

/** A character for each pair that exists, row by row: the square root of its probability in 63 steps. */
export function encodedAttention({ probabilities }: ShownHead, kinds: Uint8Array): string {
  let text = '';
  kinds.forEach((kind, pair) => {
    if (kind === ABSENT) return;
    text +=
      DIGITS[Math.min(DIGITS.length - 1, Math.round(Math.sqrt(probabilities[pair]) * (DIGITS.length - 1)))];
  });
  return text;
}

/** Distinct rows, and for each piece its own: tokens of one tag mostly see the same. */
function viewData(kinds: Uint8Array, count: number): PageData['views'][number] {
  const rows = Array.from({ length: count }, (_, row) =>
    kinds.subarray(row * count, (row + 1) * count).join(''),
  );
  const distinct = [...new Set(rows)];
  const at = new Map(distinct.map((row, index) => [row, index]));
  return { rows: distinct, rowOf: rows.map((row) => at.get(row)!) };
}

/**
 * What a page's script works on. Where all heads would be too much, the last layers' are kept: they are nearest to the prediction.
 * @returns Which of `heads` are there, too.
 */
export function pageData(
  explanation: Explanation,
  heads: readonly ShownHead[],
): { data: PageData; shown: ShownHead[] } {
  const { words, pieces, order, views } = explanation;
  const encoded: HeadData[] = [];
  let room = MOST_CHARACTERS;
  for (const head of [...heads].reverse()) {
    const probabilities = encodedAttention(head, views[head.view].kinds);
    room -= probabilities.length;
    if (room < 0) break;
    encoded.unshift({ name: nameOfHead(head), view: head.view, probabilities });
  }
  const data = {
    words: words.map(({ text, tag, pieces: [first] }) => ({ text, tag: String(tag), first })),
    pieces: pieces.length,
    order: Array.from(order),
    views: views.map(({ kinds }) => viewData(kinds, pieces.length)),
    heads: encoded,
  };
  return { data, shown: heads.slice(heads.length - encoded.length) };
}

/** For each word, the attention of a head between words: summed over the key's pieces, the mean over the query's. */
export function wordAttention({ words, pieces }: Explanation, { probabilities }: ShownHead): number[][] {
  const count = pieces.length;
  return words.map(({ pieces: [first, next] }) => {
    const row = words.map(() => 0);
    for (let query = first; query < next; query++) {
      for (let key = 0; key < count; key++)
        row[pieces[key].word] += probabilities[query * count + key] / (next - first);
    }
    return row;
  });
}
