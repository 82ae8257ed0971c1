import * as v from 'valibot';
import { checkedChoices } from '../attention/kernel-choices.js';
import { CallerError } from '../base/errors.js';
import { fields, finite, oneOf, positiveWhole, renamed, text, whole } from '../base/json-schemas.js';
import { JsonText } from '../base/json-text.js';
import { createFolder, exists, pathIn, readText, writeAtomically } from '../data/files.js';
import { checkHeads, type ModelRules } from '../grammar/head-rules.js';
import { STRATEGIES } from '../grammar/rules.js';
import { formatRules, parseModelRules } from '../grammar/rules-file.js';
import { formatTagNoise, parseTagNoise, type SeededTagNoise } from '../grammar/tag-noise.js';
import { TaggedTokenizer } from '../grammar/tagged-tokenizer.js';
import { checkConfig } from '../nn/model-checks.js';
import type { ModelConfig, Task } from '../nn/model-config.js';
import { LONGEST_SEQUENCE } from '../plan/layout.js';
import { AttentionMask } from '../plan/mask.js';
import { configFields, type HuggingFaceConfig, readConfig } from './hugging-face/bert-config.js';
import { readTokenizer, type TokenizerFolder, tokenizerFiles } from './hugging-face/tokenizer.js';
import { checkClass } from './hugging-face/tokenizer-settings.js';
import { checkedMaxLength, type ModelDescription } from './model-description.js';
import { biasTags } from './planner.js';

const CONFIG = 'config.json';
export const RULES_FILE = 'rules.json';

function configJson(description: ModelDescription): string {
  const { config, classes, tokenizer, mask, kernels } = description;
  const { vocabulary, customTags, maxLength, tagNoise } = tokenizer;
  const json = {
    ...configFields(config, classes, vocabulary.idOf('[PAD]')),
    parsimony: {
      strategy: mask.strategy,
      beta: mask.beta,
      ...(customTags && { tags: 'own' }),
      max_length: maxLength,
      ...(config.biasTags > 0 && { bias_tags: config.biasTags }),
      ...(config.tagEmbeddings && { tag_embeddings: config.tagEmbeddings }),
      ...(vocabulary.size !== config.vocabulary && { tokens: vocabulary.size }),
      ...(kernels && { kernels }),
      ...(tagNoise && { tag_noise: formatTagNoise(tagNoise.how), tag_noise_seed: tagNoise.seed }),
    },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** The files that describe a model, by their names: configuration and tokenizer as Hugging Face lays them out, and rules. */
export function descriptionFiles(description: ModelDescription): Record<string, string> {
  return {
    [CONFIG]: configJson(description),
    [RULES_FILE]: formatRules(description.mask.rules),
    ...tokenizerFiles(description.tokenizer),
  };
}

/** Writes what describes a model. @throws ParsimonyError where the disk refuses. */
export async function saveDescription(folder: string, description: ModelDescription): Promise<void> {
  await createFolder(folder);
  for (const [name, content] of Object.entries(descriptionFiles(description))) {
    await writeAtomically(pathIn(folder, name), content);
  }
}

const FORMER_NAMES = {
  most_pieces: 'max_length',
  pieces: 'tokens',
  relabel: 'tag_noise',
  relabel_seed: 'tag_noise_seed',
};

/** What only `parsimony train` writes to a `config.json`. */
const PARSIMONY_FIELDS = renamed(FORMER_NAMES, {
  strategy: oneOf(STRATEGIES),
  beta: finite,
  tags: v.optional(v.literal('own', '"own", or no such field')),
  max_length: v.optional(positiveWhole),
  bias_tags: v.optional(whole, 0),
  tag_embeddings: v.optional(positiveWhole),
  tokens: v.optional(positiveWhole),
  kernels: v.optional(v.unknown()),
  tag_noise: v.optional(text),
  tag_noise_seed: v.optional(v.pipe(whole, v.maxValue(2 ** 32 - 1, 'a whole number from 0 to 2³² - 1'))),
});

type ParsimonyFields = v.InferOutput<typeof PARSIMONY_FIELDS>;

function tagNoiseOf(
  { tag_noise: how, tag_noise_seed: seed }: ParsimonyFields,
  file: string,
): SeededTagNoise | undefined {
  if (how === undefined) return undefined;
  if (seed !== undefined) return { how: parseTagNoise(how), seed };
  throw new CallerError({
    what: '"tag_noise" without "tag_noise_seed"',
    where: file,
    expected: 'both or neither',
  });
}

/** The numbers of tags of the tables that Hugging Face's models do not have. */
function tablesOf(parsimony?: ParsimonyFields) {
  return { biasTags: parsimony?.bias_tags ?? 0, tagEmbeddings: parsimony?.tag_embeddings };
}

/** The configuration and the tokenizer of a folder. */
export interface FolderConfig extends HuggingFaceConfig {
  /** The configuration file. */
  file: string;
  tokenizer: TokenizerFolder;
  /** What only `parsimony train` writes; undefined in a folder of Hugging Face's. */
  parsimony?: ParsimonyFields;
}

/**
 * Reads configuration and tokenizer of a folder that `parsimony train` or Hugging Face's `save_pretrained` wrote.
 * @throws CallerError where a file is missing or is not what it should be.
 */
export async function readFolderConfig(folder: string): Promise<FolderConfig> {
  const file = pathIn(folder, CONFIG);
  const expected = "a model's folder, as `parsimony train --out` or Hugging Face's save_pretrained writes it";
  const json = new JsonText(await readText(file, expected), file, { expected });
  const config = readConfig(json, file);
  const { parsimony } = json.checked(fields({ parsimony: v.optional(PARSIMONY_FIELDS) }));
  checkConfig({ ...config.shape, ...tablesOf(parsimony), classes: Math.max(2, config.classes.length) }, file);
  const tokenizerFields = fields({
    tokenizer_class: v.optional(v.unknown()),
    auto_map: v.optional(v.unknown()),
  });
  checkClass({ json: json.checked(tokenizerFields), where: file });
  const tokenizer = await readTokenizer(folder);
  await checkVocabularySize(folder, tokenizer, config.shape.vocabulary, parsimony);
  return { ...config, file, tokenizer, parsimony };
}

/** Checks the number of tokens. Hugging Face's tables may have more rows than tokens; our `config.json` has the number. */
async function checkVocabularySize(
  folder: string,
  { vocabulary }: TokenizerFolder,
  rows: number,
  parsimony?: ParsimonyFields,
): Promise<void> {
  const tokens = parsimony ? (parsimony.tokens ?? rows) : Math.min(vocabulary.size, rows);
  if (vocabulary.size === tokens) return;
  const hasList = await exists(pathIn(folder, 'vocab.txt'));
  throw new CallerError({
    what: `${vocabulary.size} tokens`,
    where: pathIn(folder, hasList ? 'vocab.txt' : 'tokenizer.json'),
    expected: parsimony ? `${tokens}, as ${CONFIG} says` : `at most ${tokens}, as ${CONFIG} says`,
  });
}

/** The rules of a model that `parsimony train` wrote. @throws CallerError where the file is missing or does not hold rules. */
export async function readRulesOf(folder: string): Promise<ModelRules> {
  const file = pathIn(folder, RULES_FILE);
  return parseModelRules(await readText(file), file);
}

/**
 * Reads the description of a model from a folder that `parsimony train` wrote, or from one of Hugging Face's. The latter has no
 * rules: it gets strategy `none` and the paper's rules.
 * @param tasks What the model may be for.
 * @throws CallerError where a file is missing or is not what it should be.
 */
export async function loadDescription(
  folder: string,
  tasks: readonly Task[] = ['classification'],
): Promise<ModelDescription> {
  const { shape, classes, tokenizer, parsimony, file, task } = await readFolderConfig(folder);
  const ofTask = task === 'classification' ? undefined : task;
  const config: ModelConfig = { ...shape, ...tablesOf(parsimony), task: ofTask, classes: classes.length };
  const { vocabulary } = tokenizer;
  if (!task || !tasks.includes(task)) {
    throw new CallerError({
      what: 'no classifier of sentences',
      where: file,
      expected: 'a model for sequence classification, of one class a sentence',
      remedy: `train one from it with \`parsimony train --init ${folder}\``,
    });
  }
  checkConfig(config, file);
  if (!parsimony) {
    const mask = AttentionMask.fromRules('paper', 'none');
    const longest = Math.min(tokenizer.maxLength ?? config.positions, config.positions, LONGEST_SEQUENCE);
    const maxLength = checkedMaxLength(longest, config, folder);
    const read = new TaggedTokenizer({ vocabulary, maxLength }, mask.rules.tags);
    return { config, tokenizer: read, classes, mask };
  }
  const rules = await readRulesOf(folder);
  checkHeads(rules, config, pathIn(folder, RULES_FILE));
  const options = {
    vocabulary,
    maxLength: checkedMaxLength(parsimony.max_length ?? config.positions, config, file),
    customTags: parsimony.tags === 'own',
    tagNoise: tagNoiseOf(parsimony, file),
  };
  const read = new TaggedTokenizer(options, rules.tags);
  const tables = biasTags(parsimony.strategy, read.tags);
  if (config.biasTags !== tables) {
    throw new CallerError({
      what: `"bias_tags" is ${config.biasTags}`,
      where: file,
      expected: `${tables}, by its strategy and ${RULES_FILE}`,
    });
  }
  if (config.tagEmbeddings !== undefined && config.tagEmbeddings !== read.tags.length) {
    throw new CallerError({
      what: `"tag_embeddings" is ${config.tagEmbeddings}`,
      where: file,
      expected: `${read.tags.length}, by ${RULES_FILE}`,
    });
  }
  return {
    config,
    tokenizer: read,
    classes,
    mask: AttentionMask.fromRules(rules, parsimony.strategy, { beta: parsimony.beta }),
    kernels: parsimony.kernels === undefined ? undefined : checkedChoices(parsimony.kernels, file),
  };
}
