import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CallerError } from '../base/errors.js';
import type { Precision } from '../base/precision.js';
import type { Split } from '../data/dataset.js';
import { EMBEDDED_FORMS, hasEmbeddedForm } from '../data/embedded-corpus.js';
import { readModelRules } from '../data/named-rules.js';
import type { DataOptions } from '../data/sources.js';
import { requireTags, type Text, tagsNote } from '../grammar/custom-tags.js';
import { checkHeads } from '../grammar/head-rules.js';
import type { Strategy } from '../grammar/rules.js';
import { caseNote } from '../grammar/vocabulary.js';
import type { ModelDescription } from '../train/model-description.js';
import { loadDescription, RULES_FILE } from '../train/model-folder.js';
import type { DataSettings } from '../train/run-data.js';
import { RECORD_FILE, readWrittenRecord } from '../train/run-record.js';
import { SentenceClassifier } from '../train/sentence-classifier.js';
import { withDevice } from './options.js';
import type { JsonTarget } from './output-files.js';
import { note, noteAll } from './terminal.js';

/** The flags of commands that read with a trained model. */
export interface ModelFlags {
  model: string;
  strategy?: Strategy;
  rules?: string;
  beta?: number;
  adapter?: string;
  precision?: Precision;
  json?: JsonTarget;
}

/** The classes of labels 0 and 1 in data with numbers alone, such as SST-2 of GLUE. */
const BY_NUMBER = 'negative, positive';

/**
 * A checkpoint from elsewhere may call 0 positive: its predictions must not be counted as the other class. A model of
 * `parsimony train` names the numbers that it was trained on.
 * @throws CallerError where they would be.
 */
export function refuseReorderedClasses(model: string, classes: readonly string[]): void {
  const turned = [...classes].reverse().join(', ').toLowerCase() === BY_NUMBER;
  if (!turned || existsSync(join(model, RULES_FILE))) return;
  throw new CallerError({
    what: `classes ${classes.join(', ')}`,
    where: model,
    expected: `those of the data: ${BY_NUMBER}`,
    remedy: 'change "id2label" in its config.json, and the rows of its classifier',
  });
}

/** The options with which a model's data is read: its classes, and the tags of the rules. */
export async function dataForModel(flags: ModelFlags, split: Split): Promise<DataOptions> {
  const { classes, mask } = await loadDescription(flags.model);
  const { tags } = flags.rules === undefined ? mask.rules : await readModelRules(flags.rules);
  return { labels: classes, labelsFrom: `${flags.model}, its classes`, tags, split };
}

/** Loads a model, with the rules or the strategy of the flags, if any; a note reports the change. */
export async function withModel<T>(
  flags: ModelFlags,
  texts: readonly Text[],
  action: (model: SentenceClassifier) => Promise<T>,
): Promise<T> {
  const rules = flags.rules === undefined ? undefined : await readModelRules(flags.rules);
  return withDevice(
    flags.adapter,
    async (device) => {
      const model = await SentenceClassifier.load(device, flags.model);
      const { mask, tokenizer, config } = model.description;
      if (rules) checkHeads(rules, config, flags.rules);
      const other = mask.with({ rules, strategy: flags.strategy, beta: flags.beta });
      if (rules || other.strategy !== mask.strategy || other.beta !== mask.beta) {
        note(
          `This model was trained with strategy ${mask.strategy}; it is read with ${other.strategy}, rules ${rules?.name ?? 'its own'}.`,
        );
        model.useMask(other);
      }
      if (tokenizer.customTags) requireTags(texts, model.readsWith.tokenizer.wordTags);
      const guessed = caseNote(tokenizer.vocabulary);
      if (guessed)
        note(`${flags.model}: ${guessed}; "do_lower_case" in its tokenizer_config.json would say so.`);
      noteAll(tagsNote(tokenizer.customTags, texts));
      if (flags.precision) model.usePrecision(flags.precision);
      return action(model);
    },
    flags.precision,
  );
}

/**
 * Notes on sentences that a user typed where the model cannot know them: words outside its vocabulary, and, for a model of the
 * generated sentences, a form that none of them has.
 */
export async function strangeNotes(
  sentences: readonly string[],
  folder: string,
  { tokenizer }: ModelDescription,
): Promise<string[]> {
  const unknown = tokenizer.vocabulary.idOf('[UNK]');
  const words = sentences.flatMap((text) =>
    tokenizer.tokens(text).flatMap(({ id, start, end }) => (id === unknown ? [text.slice(start, end)] : [])),
  );
  const notes: string[] = [];
  if (words.length > 0)
    notes.push(
      `Not in the vocabulary of ${folder}, which reads it as [UNK]: ${[...new Set(words)].join(', ')}.`,
    );
  if (!existsSync(join(folder, RECORD_FILE))) return notes;
  const { data } = (await readWrittenRecord(folder)).notes as { data?: DataSettings };
  const strange = data?.data === 'embedded' && sentences.find((text) => !hasEmbeddedForm(text));
  if (strange)
    notes.push(
      `${folder} learned from generated sentences, and none has the form of "${strange}": each is as ${EMBEDDED_FORMS}`,
    );
  return notes;
}

/** Prints a note where texts were cut to the maximum length of the model. */
export function noteOnCut(cut: number, texts: number, { description }: SentenceClassifier): void {
  if (cut === 0) return;
  note(
    `${cut} of ${texts} texts: only the first ${description.tokenizer.maxLength} tokens were read, as the model was trained.`,
  );
}
