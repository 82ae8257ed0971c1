import { Option } from 'commander';
import { type DataSource, SPLITS, type Split } from '../data/dataset.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { type EncodedSentence, encodeSentence } from '../grammar/tagged-pieces.js';
import { dataOption } from './options.js';

/** Where `train` cuts sentences if nobody says otherwise. */
const MOST_PIECES = 128;

/** The texts that a command on rules counts pairs in, where it may do without. */
export interface RulesDataFlags {
  data?: string;
  split: Split;
}

export function rulesDataOptions(): Option[] {
  return [
    dataOption(),
    new Option('--split <name>', 'which part of the data').choices(SPLITS).default('train'),
  ];
}

/** The texts of a split as a model of BERT's vocabulary reads them, of at most 128 pieces; labels are not asked for. */
export async function encodedSplit(source: DataSource, split: Split): Promise<EncodedSentence[]> {
  const vocabulary = bertVocabulary();
  return (await source.sentences(split)).map((text) => encodeSentence(text, vocabulary, MOST_PIECES));
}
