import { DevicePlan } from '../../src/attention/device-plan.js';
import { type BackwardBuffers, recordBackward, recordForward } from '../../src/attention/record.js';
import { createStorage } from '../../src/gpu/buffers.js';
import type { Device } from '../../src/gpu/device.js';
import { Recorder } from '../../src/gpu/recorder.js';
import {
  DEFAULT_BETA,
  EVERY_TAG,
  expandPairs,
  SAME_TAG,
  type Strategy,
  type TagPair,
} from '../../src/grammar/rules.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import type { Layout } from '../../src/plan/layout.js';
import { AttentionMask } from '../../src/plan/mask.js';
import type { TileConfig } from '../../src/plan/tiles.js';

/** Head dimensions of the models that are trained and measured here. */
export const HEAD_DIMS = [32, 64, 128] as const;

const HEADS = 2;

/** In every family, a row that attends to all of them gets a tile for itself, and whole tiles leave one row over. */
const TOKENS = 1025;

/** How far a pair's scope reaches, in tokens. */
const REACH = 40;

/** The variants of a plan: with and without biases, learned biases, scopes, causal order. */
const RULES: readonly { strategy: Exclude<Strategy, 'none'>; scoped?: true; causal?: true }[] = [
  { strategy: 'hard' },
  { strategy: 'hard', causal: true },
  { strategy: 'hard', scoped: true },
  { strategy: 'soft' },
  { strategy: 'soft', causal: true },
  { strategy: 'learned' },
  { strategy: 'learned', causal: true },
];

/** Tags of words: [CLS] comes before all text, [SEP] after it. */
const WORDS = TOKEN_TAGS.filter((tag) => tag !== '[CLS]' && tag !== '[SEP]');

/**
 * A text whose words attend to their tag and to [CLS], while [CLS] and [SEP] attend to everything. [CLS] then gets a tile for itself,
 * as a key and as a query. In causal order [SEP] is that query.
 */
function sparsePlan({ strategy, scoped, causal }: (typeof RULES)[number], tile: TileConfig): Layout {
  const sameTag: TagPair = scoped ? [EVERY_TAG, SAME_TAG, REACH] : [EVERY_TAG, SAME_TAG];
  const hard: TagPair[] = [sameTag, [EVERY_TAG, '[CLS]'], ['[CLS]', EVERY_TAG], ['[SEP]', EVERY_TAG]];
  const rules = {
    name: 'few see all',
    tags: TOKEN_TAGS,
    hard: expandPairs(hard, TOKEN_TAGS),
    soft: expandPairs([['NOUN', 'VERB']], TOKEN_TAGS),
    beta: DEFAULT_BETA,
  };
  const words = Array.from({ length: TOKENS - 2 }, (_, word) => WORDS[word % WORDS.length]);
  const mask = AttentionMask.fromRules(rules, strategy);
  const ordered = causal ? mask.and(AttentionMask.causal()) : mask;
  return ordered.layout({ tags: ['[CLS]', ...words, '[SEP]'] }, () => tile);
}

function plansFor(tile: TileConfig): Layout[] {
  return [
    AttentionMask.all().layout({ lengths: [TOKENS] }, () => tile),
    ...RULES.map((rules) => sparsePlan(rules, tile)),
  ];
}

/**
 * Records attention with tiles of a shape, forward and backward, once for each way in which the engine runs its kernels.
 * @param device Makes the pipelines; nothing is submitted.
 * @param onHeadDim Called with the head dimension before its cases are recorded.
 */
export function recordAttentionCases(
  device: Device,
  tile: TileConfig,
  onHeadDim: (headDim: number) => void,
): void {
  const buffer = createStorage(device, 16, 'never bound');
  const plan = new DevicePlan(device);
  for (const each of plansFor(tile)) {
    plan.write(each, HEADS);
    for (const headDim of HEAD_DIMS) {
      onHeadDim(headDim);
      for (const dropout of [undefined, { probability: 0.1, stream: 1 }]) {
        const shape = { heads: HEADS, headDim, scale: 1, dropout };
        const recorder = new Recorder(device);
        recordForward(recorder, plan, shape, buffersOf(buffer, plan.isLearned));
        recordBackward(recorder, plan, shape, buffersOf(buffer, plan.isLearned));
      }
    }
  }
  plan.release();
  device.release(buffer);
}

function buffersOf(buffer: GPUBuffer, isLearned: boolean): BackwardBuffers {
  return {
    query: buffer,
    key: buffer,
    value: buffer,
    output: buffer,
    logSumExp: buffer,
    outputGradient: buffer,
    queryGradient: buffer,
    keyGradient: buffer,
    valueGradient: buffer,
    ...(isLearned && { biasTable: buffer, biasGradient: buffer }),
  };
}
