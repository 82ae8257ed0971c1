/**
 * Faults that a change could introduce, one line each, and the tests that must catch them. `npm run mutate` applies them one
 * by one in a copy of the project. `find` occurs once in `file`.
 *
 * @typedef {import("./mutations.mjs").Mutation} Mutation
 */

const SUBGROUP = 'test/attention/subgroup.test.ts';
const WIDE = 'test/attention/wide.test.ts';
const ATTENTION = 'attention, (subgroup|wide) kernels is that of the reference';
const SUBGROUP_KERNELS = 'kernels/attention/subgroup';

/** @type {readonly Mutation[]} */
const KERNELS = [
  {
    name: 'forward does not rescale O when the maximum grows',
    file: `${SUBGROUP_KERNELS}/forward.wesl`,
    find: 'o[v] = scaled(o[v], rescale)',
    replace: 'o[v] = o[v]',
    tests: SUBGROUP,
    only: 'attention at the ends of f32',
  },
  {
    name: 'forward counts the keys of shared quads twice',
    file: `${SUBGROUP_KERNELS}/forward.wesl`,
    find: 'select(0.0, 1.0, lane < step.quads)',
    replace: '1.0',
    tests: SUBGROUP,
    only: `${ATTENTION}: dense, case`,
  },
  {
    name: 'forward gives rows without keys a logarithm of 0',
    file: `${SUBGROUP_KERNELS}/forward.wesl`,
    find: 'maximum = FORBIDDEN;',
    replace: 'maximum = 0.0;',
    tests: SUBGROUP,
    only: 'attention of a few tokens',
  },
  {
    name: 'the gradient of queries is not scaled',
    file: `${SUBGROUP_KERNELS}/backward_query.wesl`,
    find: 'query_gradient[at.upper[r]] = parameters.scale * dq.upper[r]',
    replace: 'query_gradient[at.upper[r]] = dq.upper[r]',
    tests: SUBGROUP,
    only: `${ATTENTION}: dense, case`,
  },
  {
    name: 'the gradient of queries forgets dropout',
    file: `${SUBGROUP_KERNELS}/backward_query.wesl`,
    find: 'dp = dropped(dp, chains, words_of(parameters.positions_at + step.columns));',
    replace: 'dp = both.dp;',
    tests: SUBGROUP,
    only: `${ATTENTION}: dense under dropout`,
  },
  {
    name: 'the gradient of values uses P before dropout',
    file: `${SUBGROUP_KERNELS}/backward_key_value.wesl`,
    find: 'accumulate(&dv, kept_p,',
    replace: 'accumulate(&dv, p,',
    tests: SUBGROUP,
    only: `${ATTENTION}: dense under dropout`,
  },
  {
    name: 'the gradient of scores leaves Δ out',
    file: `${SUBGROUP_KERNELS}/softmax.wesl`,
    find: 'mat4x4f(p[0] * (dp[0] - delta[0]),',
    replace: 'mat4x4f(p[0] * dp[0],',
    tests: SUBGROUP,
    only: `${ATTENTION}: dense, case`,
  },
  {
    name: 'a step takes columns after the end of its range',
    file: `${SUBGROUP_KERNELS}/walk.wesl`,
    find: 'first + OFFSETS < vec4u(end)',
    replace: 'first + OFFSETS <= vec4u(end)',
    tests: SUBGROUP,
    only: `${ATTENTION}: hard, some tags`,
  },
  {
    name: 'causal order hides the token itself',
    file: 'kernels/attention/scope.wesl',
    find: '@else let is_later = lead > vec4f();',
    replace: '@else let is_later = lead >= vec4f();',
    tests: SUBGROUP,
    only: `${ATTENTION}: every pair, causal`,
  },
  {
    name: 'a window is one token too narrow',
    file: 'kernels/attention/scope.wesl',
    find: '(distance <= reach)',
    replace: '(distance < reach)',
    tests: SUBGROUP,
    only: `${ATTENTION}: windows`,
  },
  {
    name: 'soft pairs get no bias',
    file: `${SUBGROUP_KERNELS}/pairs.wesl`,
    find: 'select(vec4f(), vec4f(parameters.soft_bias), biased)',
    replace: 'vec4f()',
    tests: SUBGROUP,
    only: `${ATTENTION}: head rules`,
  },
  {
    name: 'Δ misses the last vector of a row',
    file: 'kernels/attention/statistics.wesl',
    find: 'd < parameters.head_vectors',
    replace: 'd + 1u < parameters.head_vectors',
    tests: SUBGROUP,
    only: `${ATTENTION}: dense, case`,
  },
  {
    name: 'dropout keeps what it should drop',
    file: 'kernels/attention/dropout.wesl',
    find: 'chained(chains, keys) >= vec4u(parameters.dropout_limit)',
    replace: 'chained(chains, keys) < vec4u(parameters.dropout_limit)',
    tests: SUBGROUP,
    only: `${ATTENTION}: dense under dropout`,
  },
  {
    name: 'wide kernels add up l without rescaling it',
    file: 'kernels/attention/wide/forward.wesl',
    find: 'l *= rescale;',
    replace: 'l *= 1.0;',
    tests: WIDE,
    only: 'attention at the ends of f32',
  },
  {
    name: 'the variance of layer norm forgets ε',
    file: 'kernels/layers/layer_norm_forward.wesl',
    find: 'sqrt(variance + parameters.epsilon)',
    replace: 'sqrt(variance)',
    tests: 'test/nn/layer-norm.test.ts',
  },
  {
    name: 'cross-entropy does not divide by the rows of the step',
    file: 'kernels/layers/logits.wesl',
    find: 'logits_gradient[at + c] = gradient * share;',
    replace: 'logits_gradient[at + c] = gradient;',
    tests: 'test/nn/loss.test.ts',
  },
  {
    name: 'the gradient of GELU leaves the density out',
    file: 'kernels/linear/activation.wesl',
    find: '(cumulative + x * (0.39894228 * exp(-0.5 * x * x)))',
    replace: 'cumulative',
    tests: 'test/nn/activations.test.ts',
  },
];

/** @type {readonly Mutation[]} */
const OPTIMIZER = [
  {
    name: 'AdamW adds ε under the root',
    file: 'kernels/optimizer/adamw.wesl',
    find: '(sqrt(v) * parameters.correction2 + parameters.epsilon)',
    replace: 'sqrt(v * parameters.correction2 * parameters.correction2 + parameters.epsilon)',
    tests: 'test/nn/adamw.test.ts',
  },
  {
    name: 'weights decay through the gradient, as in Adam',
    file: 'kernels/optimizer/adamw.wesl',
    find: 'p -= parameters.rate * parameters.decay * p;',
    replace: 'p -= parameters.decay * p;',
    tests: 'test/nn/adamw.test.ts',
  },
  {
    name: 'bias correction counts steps from 0',
    file: 'src/nn/adamw.ts',
    find: '1 / (1 - beta1 ** step)',
    replace: '1 / (1 - beta1 ** (step + 1))',
    tests: 'test/nn/adamw.test.ts',
  },
  {
    name: 'gradients are clipped to half the norm',
    file: 'kernels/optimizer/clip_factor.wesl',
    find: 'min(1.0, parameters.largest / (norm + 1e-6))',
    replace: 'min(1.0, 0.5 * parameters.largest / (norm + 1e-6))',
    tests: 'test/nn/adamw.test.ts',
  },
  {
    name: 'the gradient norm misses the last vector of a block',
    file: 'kernels/optimizer/squared_sums.wesl',
    find: 'i < end; i += 64u',
    replace: 'i + 1u < end; i += 64u',
    tests: 'test/nn/adamw.test.ts',
  },
  {
    name: 'the learning rate starts at 0',
    file: 'src/train/schedule.ts',
    find: '(learningRate * step) /',
    replace: '(learningRate * done) /',
    tests: 'test/train/schedule.test.ts',
  },
];

/** @type {readonly Mutation[]} */
const PLANNER = [
  {
    name: 'biased pairs are not looked up',
    file: 'src/plan/tag-run-spans.ts',
    find: 'if (plain[at] === 0) this.masksOf[row] = MASK_TAGS;',
    replace: 'if (plain[at] === 2) this.masksOf[row] = MASK_TAGS;',
    tests: 'test/plan/tiles.test.ts',
  },
  {
    name: 'ranges that touch are not joined',
    file: 'src/plan/ranges.ts',
    find: 'start <= reach : start === reach',
    replace: 'start < reach : start === reach - 1',
    tests: 'test/plan/tiles.test.ts',
  },
  {
    name: 'a window of the planner is one token too narrow',
    file: 'src/plan/key-columns.ts',
    find: 'order[to - 1] + window + 1)',
    replace: 'order[to - 1] + window)',
    tests: 'test/plan/positions.test.ts',
  },
  {
    name: 'causal columns end before the query itself',
    file: 'src/plan/key-columns.ts',
    find: 'this.low, this.high, last + 1)',
    replace: 'this.low, this.high, last)',
    tests: 'test/plan/positions.test.ts',
  },
  {
    name: 'the columns of the transposed plan are those of queries',
    file: 'src/plan/visibility.ts',
    find: 'pairOf(table, column, row)',
    replace: 'pairOf(table, row, column)',
    tests: 'test/plan/tiles.test.ts',
  },
  {
    name: 'the bits of tags after the 32nd are those of the first',
    file: 'src/plan/label-bits.ts',
    find: '(isBiased ? words : 0) + Math.floor(other / WORD)',
    replace: '(isBiased ? words : 0)',
    tests: 'test/plan/label-bits.test.ts',
  },
  {
    name: 'padded columns of a range do not start after those of the range before',
    file: 'src/attention/device-plan.ts',
    find: 'slot += paddedToQuads(length);',
    replace: 'slot += length;',
    tests: 'test/plan/plan-words.test.ts',
  },
];

export const MUTATIONS = [...KERNELS, ...OPTIMIZER, ...PLANNER];
