import { checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { splitScope, withScope } from './head-rules.js';
import {
  DEFAULT_BETA,
  EVERY_TAG,
  expandLists,
  expandPairs,
  type RuleLists,
  type RuleSet,
  SAME_TAG,
  type TagPair,
} from './rules.js';
import { EVERYWHERE } from './scope.js';
import { TOKEN_TAGS, type TokenTag } from './tags.js';

const PAPER_HARD: RuleLists = {
  '*': ['='],
  ADJ: ['NOUN', 'PROPN'],
  DET: ['NOUN', 'PROPN'],
  ADP: ['NOUN', 'PROPN', 'PRON'],
  NOUN: ['DET', 'ADJ', 'ADP'],
  PROPN: ['DET', 'ADJ', 'ADP'],
  PRON: ['ADJ', 'ADP'],
  VERB: ['NOUN', 'PROPN', 'PRON', 'ADV'],
  AUX: ['VERB'],
  SCONJ: ['VERB'],
  '[CLS]': ['*'],
};

const PAPER_SOFT: RuleLists = {
  VERB: ['ADP'],
  NOUN: ['VERB'],
  PROPN: ['VERB'],
  PRON: ['VERB'],
  ADV: ['VERB', 'ADJ', 'ADV'],
  CCONJ: ['NOUN', 'VERB', 'ADJ', 'PROPN', 'PRON'],
  '[CLS]': ['*'],
};

/** The rules of arXiv 2605.24518, over universal tags and BERT's special tokens. */
export const PAPER_RULES: RuleSet = {
  name: 'paper',
  tags: TOKEN_TAGS,
  hard: expandLists(PAPER_HARD, TOKEN_TAGS),
  soft: expandLists(PAPER_SOFT, TOKEN_TAGS),
  beta: DEFAULT_BETA,
};

/** Every tag sees every tag: measures the cost of sparse kernels when there is nothing to skip. */
const ALL_PAIRS: RuleSet = {
  name: 'all-pairs',
  tags: TOKEN_TAGS,
  hard: expandLists({ '*': ['*'] }, TOKEN_TAGS),
  soft: [],
  beta: DEFAULT_BETA,
};

/** Every token sees only itself, and [CLS] sees everything: the sparsest rules for a classifier. */
const FLOOR: RuleSet = {
  name: 'floor',
  tags: TOKEN_TAGS,
  hard: expandPairs(
    [
      [EVERY_TAG, SAME_TAG, 0],
      ['[CLS]', EVERY_TAG],
    ],
    TOKEN_TAGS,
  ),
  soft: [],
  beta: DEFAULT_BETA,
};

/** The pairs of a query and a key tag under SepLLM's pattern, none or one: in a window of 0 tokens, a tag finds only itself. */
function sepllmPairs(query: TokenTag, key: TokenTag, window: number): TagPair[] {
  if (query === '[CLS]' || ['PUNCT', '[CLS]', '[SEP]'].includes(key)) return [[query, key]];
  return window > 0 || query === key ? [[query, key, window]] : [];
}

/**
 * The pattern of SepLLM (Chen et al. 2024, arXiv 2412.12094), a control that does not depend on grammar. Every token sees
 * punctuation, [CLS] and [SEP] anywhere, and other tokens within a window. [CLS] sees everything. The original is causal.
 */
function sepllm(name: string, window: number): RuleSet {
  return {
    name,
    tags: TOKEN_TAGS,
    hard: TOKEN_TAGS.flatMap((query) => TOKEN_TAGS.flatMap((key) => sepllmPairs(query, key, window))),
    soft: [],
    beta: DEFAULT_BETA,
  };
}

/** The window of `sepllm`, in tokens to either side; `sepllm:W` has another. */
const SEPLLM_WINDOW = 4;

const PRESETS: Readonly<Record<string, RuleSet>> = {
  paper: PAPER_RULES,
  'all-pairs': ALL_PAIRS,
  floor: FLOOR,
  sepllm: sepllm('sepllm', SEPLLM_WINDOW),
};

/** The names of the preset rules that `presetRules` gives; `sepllm:W` is one more, for any window W. */
export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

/** The expected value in errors about names of presets. */
export const PRESETS_EXPECTED = `one of: ${PRESET_NAMES.join(', ')}, sepllm:W with a window of W tokens`;

const OTHER_WINDOW = /^sepllm:(.*)$/s;

/** Whether a name without scope and edits is that of a preset, or has the form of `sepllm:W`. */
export function isPreset(base: string): boolean {
  return Object.hasOwn(PRESETS, base) || OTHER_WINDOW.test(base);
}

/** The window that a name `sepllm` or `sepllm:W` says; undefined for other names. @throws CallerError where W is not a window. */
function sepllmWindow(base: string): number | undefined {
  if (base === 'sepllm') return SEPLLM_WINDOW;
  const written = OTHER_WINDOW.exec(base)?.[1];
  if (written === undefined) return undefined;
  const window = /^(0|[1-9]\d*)$/.test(written) ? Number(written) : Number.NaN;
  if (window < EVERYWHERE) return window;
  throw new CallerError({
    what: `a window "${written}"`,
    where: `rules "${base}"`,
    expected: `sepllm:W, with a whole number of tokens from 0 to ${EVERYWHERE - 1}`,
  });
}

/**
 * A preset by its name, with or without a scope (`paper@sentence`), or SepLLM's pattern with another window than 4 (`sepllm:2`). A scope
 * of `sepllm` is that of separators: other tokens have the window.
 * @throws CallerError for an unknown name, and for separators that are seen less far than other tokens.
 */
export function presetRules(name: string): RuleSet {
  checkArgument(string, name, 'name');
  const { base, scope } = splitScope(name);
  const window = sepllmWindow(base);
  if (typeof scope === 'number' && window !== undefined && scope < window) {
    throw new CallerError({
      what: `separators within ${scope} tokens, and other tokens within ${window}`,
      where: `rules "${name}"`,
      expected: `a scope of ${window} tokens at least, "sentence" or "document"`,
    });
  }
  if (Object.hasOwn(PRESETS, base)) return withScope(PRESETS[base], scope);
  if (window !== undefined) return withScope(sepllm(base, window), scope);
  throw new CallerError({ what: `there are no rules named "${name}"`, expected: PRESETS_EXPECTED });
}
