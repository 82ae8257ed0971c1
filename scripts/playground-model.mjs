// Puts a model into the playground: the folder that `SentenceClassifier.save` writes, and what the page says of it.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { bertTokenizerJson } from './bert-tokenizer-json.mjs';

/** Also the training of the page's "Train" button: a quarter of a minute on two cores without a GPU. */
const TRAINING = JSON.parse(readFileSync(new URL('../playground/training.json', import.meta.url), 'utf8'));

/** To be raised where the model must be trained again although neither its shape nor its training has changed. */
const EDITION = 1;

/** Sentences to start with. The first one differs between presets. */
const EXAMPLES = JSON.parse(readFileSync(new URL('../playground/examples.json', import.meta.url), 'utf8'));

/**
 * Writes the files of a model that the page loads. Optional files that the engine looks for are written too, since a browser's
 * console shows an error for each file that is missing.
 * @param folder What `SentenceClassifier.save` wrote.
 * @param site The folder of the page.
 * @param note What the page says of the model, in a sentence.
 * @param isOfGenerated Whether the model learned from the generated sentences.
 */
export function installModel(folder, site, note, isOfGenerated = false) {
  const target = join(site, 'model');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  // File by file, since a copy of a temporary folder could be read by its owner only.
  for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(target, name));
  const tokens = readFileSync(join(folder, 'vocab.txt'), 'utf8').trimEnd().split('\n');
  const settings = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8'));
  const tokenizer = bertTokenizerJson(tokens, [], {
    handle_chinese_chars: settings.tokenize_chinese_chars ?? true,
    strip_accents: settings.strip_accents ?? null,
    lowercase: settings.do_lower_case ?? true,
  });
  const write = (name, content) => writeFileSync(join(target, name), JSON.stringify(content));
  write('tokenizer.json', tokenizer);
  for (const name of ['added_tokens.json', 'special_tokens_map.json'])
    if (!existsSync(join(target, name))) write(name, {});
  write('about.json', { note, isOfGenerated, examples: EXAMPLES });
}

/** Runs an action on an open device, as the commands do. */
async function onDevice(action) {
  const { withDevice } = await import('../dist/src/cli/options.js');
  return withDevice(process.env.PARSIMONY_ADAPTER, action);
}

/**
 * Rewrites any folder that the engine can load as the engine writes it: f32, safetensors, one file.
 * @throws CallerError where it is not such a folder, or the model's tags cannot be found by a tagger.
 */
export async function convertModel(folder, target) {
  const { CallerError, TOKEN_TAGS, SentenceClassifier } = await import('../dist/src/index.js');
  await onDevice(async (device) => {
    const model = await SentenceClassifier.load(device, folder);
    const { tags } = model.description.mask.rules;
    if (!tags.every((tag) => TOKEN_TAGS.includes(tag))) {
      throw new CallerError({
        what: 'a model of other tags than the universal ones, which the page could not find in what is typed',
        where: folder,
        expected: 'a model that was trained without --tags-column',
      });
    }
    await model.save(target);
  });
}

/**
 * Trains the playground's own model, unless it has been trained already.
 * @param folder Where it is stored.
 * @returns What the page says of it.
 */
export async function trainModel(folder) {
  const { SMALL_CONFIG } = await import('../dist/src/nn/model-config.js');
  const about = join(folder, 'trained.json');
  const key = JSON.stringify({ EDITION, SMALL_CONFIG, TRAINING });
  if (existsSync(about)) {
    const trained = JSON.parse(readFileSync(about, 'utf8'));
    if (trained.key === key) return trained.note;
  }
  const { AttentionMask, bertVocabulary, dataSource, SentenceClassifier, TaggedTokenizer } = await import(
    '../dist/src/index.js'
  );
  console.error("Training the playground's model (once, about a quarter of a minute without a GPU)…");
  const { options, rows, devRows } = TRAINING;
  const data = dataSource('embedded');
  const train = (await data.examples('train')).slice(0, rows);
  const dev = (await data.examples('dev')).slice(0, devRows);
  const tokenizer = new TaggedTokenizer({ vocabulary: bertVocabulary() });
  const tokens = train.flatMap(({ text }) => tokenizer.tokens(text));
  const vocabulary = bertVocabulary().restrictedTo(new Set(tokens.map(({ text }) => text)));
  const partial = `${folder}.part`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const { classes } = data;
  const devAccuracy = await onDevice(async (device) => {
    const mask = AttentionMask.fromRules('paper', 'hard');
    const settings = { vocabulary, shape: SMALL_CONFIG, mask, classes };
    const model = SentenceClassifier.build(device, settings);
    const metrics = await model.train(train, dev, options);
    await model.save(partial);
    return metrics.at(-1).devAccuracy;
  });
  const note =
    `A tiny BERT (${SMALL_CONFIG.layers} layers, hidden ${SMALL_CONFIG.hidden}, ${vocabulary.size} tokens) that ` +
    `learned from ${rows.toLocaleString('en-GB')} generated sentences about films and people to say how the work is ` +
    `judged; of ${devRows} unseen ones it got ${(100 * devAccuracy).toFixed(1)} % right.`;
  writeFileSync(join(partial, 'trained.json'), JSON.stringify({ key, note }));
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return note;
}
