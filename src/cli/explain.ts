import type { Command } from 'commander';
import { CallerError } from '../base/errors.js';
import { writeAtomically } from '../data/files.js';
import { readModelRules } from '../data/named-rules.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { presetRules } from '../grammar/presets.js';
import { TaggedTokenizer } from '../grammar/tagged-tokenizer.js';
import { AttentionMask } from '../plan/mask.js';
import { closureText, headlineText, predictionText } from '../report/explain/explain-headline.js';
import { explainPage, type PageModel } from '../report/explain/explain-page.js';
import { type Explanation, explainText, mostExplained, workOf } from '../report/explain/explanation.js';
import { pairsSvg } from '../report/explain/pair-svg.js';
import { wordAttribution } from '../report/explain/tagged-sentence.js';
import { ratio } from '../report/page/numbers.js';
import { OutputOption, PAGE_ENDINGS, wroteJson } from './output-files.js';
import { modelOptions, withOptions } from './setting-options.js';
import { note, noteAll, print, printTable } from './terminal.js';
import { type ModelFlags, strangeNotes, withModel } from './text-flags.js';

const EXAMPLE = `
Example:
  $ parsimony explain "the brilliant film follows the dull critic ." --out explained.html
  $ parsimony explain "the film is not funny and the critic is dull ." --model runs/hard --out explained.html
  $ parsimony explain "the film is not funny ." --rules paper@sentence --strategy guided`;

type ExplainFlags = Partial<ModelFlags> & { out?: string };

export function explainCommand(command: Command): void {
  command
    .argument('<text>', 'English text')
    .option(
      '--model <folder>',
      "what a model attends to, too: a folder that `train` or Hugging Face's save_pretrained wrote",
    )
    .addOption(
      new OutputOption(
        '--out <file>',
        'the page to write (.html), or its pairs as a picture (.svg); by default, the explanation is printed',
        [...PAGE_ENDINGS, '.svg'],
      ),
    );
  withOptions(command, ...modelOptions())
    .addHelpText('after', EXAMPLE)
    .action(explain);
}

async function explain(text: string, flags: ExplainFlags): Promise<void> {
  if (text.trim() === '') {
    throw new CallerError({ what: 'no word in the text', expected: 'a sentence' });
  }
  const { model } = flags;
  if (model !== undefined) await explainWithModel(text, { ...flags, model });
  else {
    const rules = flags.rules === undefined ? presetRules('paper') : await readModelRules(flags.rules);
    const mask = AttentionMask.fromRules(rules, flags.strategy, { beta: flags.beta });
    const tokenizer = new TaggedTokenizer({ vocabulary: bertVocabulary() });
    await show(explainText(text, { tokenizer, mask }), flags);
  }
}

async function explainWithModel(text: string, flags: ExplainFlags & { model: string }): Promise<void> {
  await withModel(flags, [{ text }], async (model) => {
    const notes = await strangeNotes([text], flags.model, model.description);
    noteAll(notes);
    const read = await model.explain(text, mostExplained(model.readsWith.mask.rules));
    const explanation = explainText(text, { ...model.readsWith, tile: read.tile });
    const { classes } = model.description;
    await show(explanation, flags, { explanation: read, classes, name: flags.model, notes });
  });
}

async function show(explanation: Explanation, flags: ExplainFlags, model?: PageModel): Promise<void> {
  if (flags.out !== undefined) {
    const isPicture = flags.out.toLowerCase().endsWith('.svg');
    await writeAtomically(flags.out, isPicture ? pairsSvg(explanation) : explainPage(explanation, model));
    note(`The ${isPicture ? 'picture' : 'page'} is ${flags.out}: open it in a browser.`);
  }
  if (flags.json !== undefined && (await wroteJson(flags.json, asJson(explanation, model)))) return;
  if (flags.out === undefined) printExplanation(explanation, model);
}

function asJson(explanation: Explanation, model?: PageModel): unknown {
  const { text, tokens, words, cut, mask, pairCounts, closure, order, runs, views } = explanation;
  const attribution = model && wordAttribution(explanation, model.explanation);
  return {
    text,
    strategy: mask.strategy,
    rules: mask.rules.name,
    beta: mask.beta,
    tokens: tokens.map(({ text: token, id, tag, start, end, word }) => ({
      token,
      id,
      tag,
      start,
      end,
      word,
    })),
    words: words.map(({ text: word, tag }, at) => ({
      word,
      tag,
      ...(attribution && { attribution: attribution[at] }),
    })),
    cut,
    order: Array.from(order),
    runs,
    pairCounts: { ...pairCounts, ...workOf(pairCounts) },
    closure,
    tiles: views.map(({ heads, tiles }) => ({ heads, tiles })),
    ...(model && {
      label: model.explanation.label,
      probabilities: model.explanation.probabilities,
      attention: model.explanation.attention.map((layer) => layer.map((head) => rowsOf(head, tokens.length))),
    }),
  };
}

function rowsOf(head: Float32Array, count: number): number[][] {
  return Array.from({ length: count }, (_, row) => Array.from(head.subarray(row * count, (row + 1) * count)));
}

/** Three digits after the point, and no minus before zeros. */
function signed(value: number): string {
  const text = value.toFixed(3);
  return Number(text) === 0 ? '0.000' : text;
}

function printExplanation(explanation: Explanation, model?: PageModel): void {
  const { words, tokens, cut, pairCounts, closure, mask } = explanation;
  const values = model && wordAttribution(explanation, model.explanation);
  printTable(
    ['word', 'tag', 'tokens', ...(values ? [`for ${model.explanation.label}`] : [])],
    words.map(({ text, tag, tokens: [first, next] }, at) => {
      const ofWord = tokens.slice(first, next).map((token) => token.text);
      return [text, String(tag), ofWord.join(' '), ...(values ? [signed(values[at])] : [])];
    }),
  );
  const { waste } = workOf(pairCounts);
  print();
  if (cut > 0) print(`Cut: only the first ${tokens.length} tokens were read; ${cut} more were not.`);
  if (model) {
    const shares = predictionText(model.explanation, model.classes, (share) => share.toFixed(3));
    print(`Prediction: ${model.explanation.label} ${shares}`);
  }
  print(`${headlineText(explanation)} (strategy ${mask.strategy}, rules "${mask.rules.name}").`);
  print(
    `Pairs of a head: ${pairCounts.dense} dense, ${pairCounts.useful} useful, ${pairCounts.executed} executed: waste ${ratio(waste)}.`,
  );
  print(`Closure: ${closureText(closure)}.`);
  print('Add --out page.html for the page: pairs in both orders, tiles, rules, and attention with --model.');
}
