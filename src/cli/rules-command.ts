import type { Command } from 'commander';
import { rulesDensityCommand } from './rules-density.js';
import { rulesDiffCommand } from './rules-diff.js';
import { rulesPredictCommand } from './rules-predict.js';
import { rulesPruneCommand } from './rules-prune.js';
import { rulesShowCommand } from './rules-show.js';

const EXAMPLE = `
Example:
  $ parsimony rules show paper`;

export function rulesCommand(command: Command): void {
  for (const each of [
    rulesShowCommand,
    rulesDiffCommand,
    rulesDensityCommand,
    rulesPredictCommand,
    rulesPruneCommand,
  ])
    command.addCommand(each());
  command.addHelpText('after', EXAMPLE);
}
