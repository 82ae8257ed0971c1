import { tagMeaning } from '../../grammar/tag-meanings.js';
import type { ModelExplanation } from '../../train/sentence-classifier.js';
import { ABSENT } from './explained-pairs.js';
import type { Explanation } from './explanation.js';
import { DIGITS, type HeadData, type PageData } from './page-script.js';

/** A head of a model with its attention. */
export interface ShownHead {
  layer: number;
  head: number;
  /** The index of the explanation's view with its rules. */
  view: number;
  /** [tokens, tokens] */
  probabilities: Float32Array;
}

/** The name of a head. Both numbers count from 0, as in rules files and checkpoints. */
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

/** The distinct rows of pairs, and the index of each token's row. Tokens of one tag mostly have the same row. */
function viewData(kinds: Uint8Array, count: number): PageData['views'][number] {
  const rows = Array.from({ length: count }, (_, row) =>
    kinds.subarray(row * count, (row + 1) * count).join(''),
  );
  const distinct = [...new Set(rows)];
  const at = new Map(distinct.map((row, index) => [row, index]));
  return { rows: distinct, rowOf: rows.map((row) => at.get(row)!) };
}

/**
 * The data of a page's script. If not all heads fit, those of the last layers are chosen: they are nearest to the
 * prediction.
 * @param room Characters that heads and their views may take.
 * @returns The data, and the heads that are in it.
 */
export function pageData(
  explanation: Explanation,
  heads: readonly ShownHead[],
  room: number,
): { data: PageData; shown: ShownHead[] } {
  const { words, tokens, order, views } = explanation;
  const encoded: HeadData[] = [];
  const viewsByNumber = new Map([[0, viewData(views[0].kinds, tokens.length)]]);
  let left = room - JSON.stringify(viewsByNumber.get(0)).length;
  for (const head of [...heads].reverse()) {
    const probabilities = encodedAttention(head, views[head.view].kinds);
    const view = viewsByNumber.get(head.view) ?? viewData(views[head.view].kinds, tokens.length);
    left -= probabilities.length + (viewsByNumber.has(head.view) ? 0 : JSON.stringify(view).length);
    if (left < 0) break;
    viewsByNumber.set(head.view, view);
    encoded.unshift({ name: nameOfHead(head), view: head.view, probabilities });
  }
  const data = {
    words: words.map(({ text, tag, tokens: [first] }) => ({ text, tag: String(tag), first })),
    meanings: Object.fromEntries(words.map(({ tag }) => [String(tag), tagMeaning(tag)])),
    tokens: tokens.length,
    order: Array.from(order),
    views: views.map((_, view) => viewsByNumber.get(view) ?? { rows: [], rowOf: [] }),
    heads: encoded,
  };
  return { data, shown: heads.slice(heads.length - encoded.length) };
}

/** The attention of a head from each word to each word: the sum over the key's tokens, the mean over the query's. */
export function wordAttention({ words, tokens }: Explanation, { probabilities }: ShownHead): Float64Array[] {
  const count = tokens.length;
  const wordOf = Uint32Array.from(tokens, ({ word }) => word);
  return words.map(({ tokens: [first, next] }) => {
    const row = new Float64Array(words.length);
    for (let query = first; query < next; query++) {
      for (let key = 0; key < count; key++)
        row[wordOf[key]] += probabilities[query * count + key] / (next - first);
    }
    return row;
  });
}
