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

/** The window of SepLLM's pattern for other pairs, in tokens to either side. */
const SEPLLM_WINDOW = 4;

function sepllmPair(query: TokenTag, key: TokenTag): TagPair {
  const isSeen = query === '[CLS]' || ['PUNCT', '[CLS]', '[SEP]'].includes(key);
  return isSeen ? [query, key] : [query, key, SEPLLM_WINDOW];
}

/**
 * The pattern of SepLLM (Chen et al. 2024, arXiv 2412.12094), a control that does not depend on grammar. Every token sees
 * punctuation, [CLS] and [SEP] anywhere, and other tokens within a window. [CLS] sees everything. The original is causal.
 */
const SEPLLM: RuleSet = {
  name: 'sepllm',
  tags: TOKEN_TAGS,
  hard: TOKEN_TAGS.flatMap((query) => TOKEN_TAGS.map((key) => sepllmPair(query, key))),
  soft: [],
  beta: DEFAULT_BETA,
};

const PRESETS: Readonly<Record<string, RuleSet>> = {
  paper: PAPER_RULES,
  'all-pairs': ALL_PAIRS,
  floor: FLOOR,
  sepllm: SEPLLM,
};

/** The names of the preset rules that `presetRules` gives. */
export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

/** A preset by its name, with or without a scope (`paper@sentence`). @throws CallerError for an unknown name. */
export function presetRules(name: string): RuleSet {
  checkArgument(string, name, 'name');
  const { base, scope } = splitScope(name);
  if (Object.hasOwn(PRESETS, base)) return withScope(PRESETS[base], scope);
  throw new CallerError({
    what: `there are no rules named "${name}"`,
    expected: `one of: ${PRESET_NAMES.join(', ')}`,
  });
}
