import { Command } from 'commander';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { encodeSentence, tagPieces } from '../grammar/tagged-pieces.js';
import { AttentionMask } from '../plan/mask.js';
import { COUNTING_TILE } from '../plan/tiles.js';
import { Planner } from '../train/planner.js';
import { jsonOption, readRules, rulesOption } from './options.js';
import { percent, print, printJson, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony tag "it 's a charming and often affecting journey ."`;

/** `parsimony tag` */
export function tagCommand(): Command {
  return new Command('tag')
    .description('show the word pieces and tags of a text, and how many of its pairs the hard rules allow')
    .argument('<text>', 'English text')
    .addOption(rulesOption().default('paper'))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(tag);
}

async function tag(text: string, flags: { rules: string; json?: boolean }): Promise<void> {
  const rules = await readRules(flags.rules);
  const vocabulary = bertVocabulary();
  const pieces = tagPieces(text, vocabulary);
  const { ledger } = new Planner(AttentionMask.fromRules(rules), () => COUNTING_TILE).plan([
    encodeSentence(text, vocabulary),
  ]);
  const density = ledger.useful / ledger.dense;
  if (flags.json) {
    const listed = pieces.map(({ text: piece, id, tag: pieceTag, start, end }) => ({
      piece,
      id,
      tag: pieceTag,
      start,
      end,
    }));
    printJson({
      text,
      rules: rules.name,
      pieces: listed,
      pairs: ledger.dense,
      allowedPairs: ledger.useful,
      density,
    });
    return;
  }
  printTable(
    ['piece', 'tag', 'text'],
    pieces.map((piece) => [piece.text, piece.tag, text.slice(piece.start, piece.end)]),
  );
  print();
  print(
    `The hard rules "${rules.name}" allow ${ledger.useful} of ${ledger.dense} pairs: density ${percent(density)}.`,
  );
}
