import { hostRandom } from '../src/base/random.js';
import { MOST_TAGS, type RuleSet, type TagPair } from '../src/grammar/rules.js';
import type { Workload } from './inputs.js';

/** As labels: the tags of the data. */
export const DATA_LABELS = 'data';

/** The label of a token of a sequence, by its position. */
type LabelOf = (position: number, length: number, count: number, random: () => number) => number;

/** The layouts of block-sparse attention, as labels of tokens: Child et al. (arXiv 1904.10509) call the last two fixed and strided. */
const SCHEMES: Readonly<Record<string, LabelOf>> = {
  random: (_position, _length, count, random) => Math.floor(count * random()),
  blocks: (position, length, count) => Math.floor((count * position) / length),
  strided: (position, _length, count) => position % count,
};

/** The layouts, for messages. */
export const LABEL_LAYOUTS = Object.keys(SCHEMES)
  .map((scheme) => `${scheme}:K`)
  .join(', ');

/** A layout's scheme and number of labels; undefined for a name that is not a layout. */
function partsOf(name: string): { labelOf: LabelOf; count: number } | undefined {
  const [, scheme, digits] = /^([a-z]+):(\d+)$/.exec(name) ?? [];
  const count = Number(digits);
  if (!Object.hasOwn(SCHEMES, scheme ?? '') || count < 1 || count > MOST_TAGS) return undefined;
  return { labelOf: SCHEMES[scheme], count };
}

/** Whether a text is `random:K`, `blocks:K` or `strided:K` with 1 to 64 labels. */
export function isLabelLayout(name: unknown): name is string {
  return typeof name === 'string' && partsOf(name) !== undefined;
}

/**
 * Documents whose tokens have the labels 0 to K - 1 of a layout: `random:K` draws each, `blocks:K` cuts a document into K equal
 * blocks, `strided:K` takes the position modulo K.
 */
export function labelledWorkload(
  name: string,
  length: number,
  batch: number,
  shape: Pick<Workload, 'heads' | 'headDim'>,
  seed: number,
): Workload {
  const { labelOf, count } = partsOf(name)!;
  const random = hostRandom(seed);
  const lengths = Array.from({ length: batch }, () => length);
  const tags = lengths.flatMap(() =>
    Array.from({ length }, (_, position) => labelOf(position, length, count, random)),
  );
  return { tags, lengths, ...shape };
}

/** The labels of a layout, 0 to K - 1. */
export function labelsOfLayout(name: string): number[] {
  return Array.from({ length: partsOf(name)!.count }, (_, label) => label);
}

/** Rules by which a token attends to the tokens of its own label. */
export function sameLabelRules(name: string): RuleSet {
  const tags = labelsOfLayout(name);
  return { name: 'same label', tags, hard: tags.map((tag): TagPair => [tag, tag]), soft: [], beta: 0 };
}
