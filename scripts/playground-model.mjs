// Puts a model into the playground: the folder that `SentenceClassifier.save` writes, and what the page says of it.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Sized for a quarter of a minute of training on two cores without a GPU. */
const SHAPE = {
  hidden: 32,
  heads: 2,
  layers: 2,
  feedForward: 64,
  hiddenDropout: 0,
  attentionDropout: 0,
  // BERT's 0.02 is made for wider layers.
  initialDeviation: 0.1,
};
const TRAINING = { epochs: 3, batch: 64, rate: 6e-3, seed: 42 };
const ROWS = 4_000;
const DEV_ROWS = 500;

/** Counts up where the model must be trained anew although the constants above have not changed. */
const EDITION = 1;

const EXAMPLE = 'the brilliant film follows the dull critic .';

/**
 * Writes what a page loads of a model. A browser can only try whether an optional file is there, and then its console shows an
 * error where it is not; so the two that the engine looks for are written too, as Hugging Face's tokenizers have them.
 * @param folder What `SentenceClassifier.save` wrote.
 * @param site Of the page.
 * @param note What the page says of the model, in a sentence.
 */
export function installModel(folder, site, note) {
  const target = join(site, 'model');
  rmSync(target, { recursive: true, force: true });
  cpSync(folder, target, { recursive: true });
  const pieces = readFileSync(join(folder, 'vocab.txt'), 'utf8').trimEnd().split('\n');
  const settings = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8'));
  const lowercase = settings.do_lower_case ?? true;
  const tokenizer = {
    version: '1.0',
    added_tokens: [],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: settings.tokenize_chinese_chars ?? true,
      strip_accents: settings.strip_accents ?? null,
      lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    },
  };
  const write = (name, content) => writeFileSync(join(target, name), JSON.stringify(content));
  write('tokenizer.json', tokenizer);
  write('added_tokens.json', {});
  write('about.json', { note, example: EXAMPLE });
}

/** Rewrites any folder that the engine can load as the engine writes it: f32, safetensors, one file. */
export async function convertModel(folder, target) {
  const { openDevice, SentenceClassifier } = await import('../dist/src/index.js');
  const device = await openDevice();
  const model = await SentenceClassifier.load(device, folder);
  await model.save(target);
  device.close();
}

/**
 * Trains the playground's own model, unless it has been trained already.
 * @param folder Where it is kept.
 * @returns What the page says of it.
 */
export async function trainModel(folder) {
  const about = join(folder, 'trained.json');
  const key = JSON.stringify({ EDITION, SHAPE, TRAINING, ROWS });
  if (existsSync(about)) {
    const trained = JSON.parse(readFileSync(about, 'utf8'));
    if (trained.key === key) return trained.note;
  }
  const { bertVocabulary, dataSource, openDevice, SentenceClassifier, tagPieces } = await import(
    '../dist/src/index.js'
  );
  console.error("Training the playground's model (once, about a quarter of a minute without a GPU)…");
  const data = dataSource('embedded');
  const train = (await data.examples('train')).slice(0, ROWS);
  const dev = (await data.examples('dev')).slice(0, DEV_ROWS);
  const pieces = train.flatMap(({ text }) => tagPieces(text, bertVocabulary()));
  const vocabulary = bertVocabulary().restrictedTo(new Set(pieces.map(({ text }) => text)));
  const device = await openDevice();
  const { classes } = data;
  const model = SentenceClassifier.build(device, { vocabulary, shape: SHAPE, strategy: 'hard', classes });
  const metrics = await model.train(train, dev, TRAINING);
  const { devAccuracy } = metrics.at(-1);
  const aside = `${folder}.part`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  await model.save(aside);
  device.close();
  const note =
    `A tiny BERT (${SHAPE.layers} layers, hidden ${SHAPE.hidden}, ${vocabulary.size} word pieces) that learned from ` +
    `${ROWS.toLocaleString('en-GB')} generated sentences about films and people to say how the work is judged; of ` +
    `${DEV_ROWS} unseen ones it got ${(100 * devAccuracy).toFixed(1)} % right.`;
  writeFileSync(join(aside, 'trained.json'), JSON.stringify({ key, note }));
  rmSync(folder, { recursive: true, force: true });
  renameSync(aside, folder);
  return note;
}
