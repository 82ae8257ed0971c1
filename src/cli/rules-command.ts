import { Command } from 'commander';
import { rulesDensityCommand } from './rules-density.js';
import { rulesDiffCommand } from './rules-diff.js';
import { rulesPredictCommand } from './rules-predict.js';
import { rulesPruneCommand } from './rules-prune.js';
import { rulesShowCommand } from './rules-show.js';

const EXAMPLE = `
Example:
  $ parsimony rules show paper`;

export function rulesCommand(): Command {
  const command = new Command('rules').description('look at rule sets, compare them, make them from a model');
  for (const each of [
    rulesShowCommand,
    rulesDiffCommand,
    rulesDensityCommand,
    rulesPredictCommand,
    rulesPruneCommand,
  ])
    command.addCommand(each());
  return command.addHelpText('after', EXAMPLE);
}
