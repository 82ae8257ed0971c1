import type { SettingName } from './settings.js';

/** Settings by topic, for `--help` and the docs. */
const GROUPS = {
  Data: [
    'data',
    'dev',
    'test',
    'textColumn',
    'labelColumn',
    'tagsColumn',
    'trainExamples',
    'devShare',
    'labels',
  ],
  Attention: ['strategy', 'rules', 'beta', 'tagNoise', 'tagEmbeddings', 'sparsity', 'biasLearningRate'],
  Model: [
    ...([
      'task',
      'init',
      'preset',
      'layers',
      'hidden',
      'heads',
      'feedForward',
      'initializerRange',
      'dropout',
    ] as const),
    ...(['attentionDropout', 'maxLength', 'vocab', 'case', 'freezeEmbeddings'] as const),
  ],
  Training: [
    'epochs',
    'batchSize',
    'gradientAccumulationSteps',
    'seed',
    'maskProbability',
    'mlmProbability',
    'precision',
  ],
  Optimizer: [
    ...(['learningRate', 'lrScheduler', 'warmupSteps', 'weightDecay', 'maxGradNorm'] as const),
    ...(['beta1', 'beta2', 'epsilon'] as const),
  ],
  Evaluation: [
    'evaluationsPerEpoch',
    'evalSteps',
    'saveSteps',
    'metricForBestModel',
    'earlyStoppingPatience',
    'until',
  ],
  Device: ['adapter', 'tune'],
} as const satisfies Record<string, readonly SettingName[]>;

type Grouped = (typeof GROUPS)[keyof typeof GROUPS][number];

/** The groups in their order. A setting that is in none of them is an error of types. */
export const SETTING_GROUPS: Record<
  string,
  readonly ([SettingName] extends [Grouped] ? SettingName : never)[]
> = GROUPS;

const GROUP_OF = new Map(
  Object.entries(SETTING_GROUPS).flatMap(([group, names]) => names.map((name) => [name, group] as const)),
);

/** The group of a setting. */
export function groupOf(name: SettingName): string {
  return GROUP_OF.get(name)!;
}
